// The page in a real browser: what a person sees on a phone, in the dark, on paper, and with the keyboard alone.
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { renderReport } from '../../../../lambda/drill/report/render-report';
import { FAILED_REPORT, hostile, PASSED_REPORT } from './sample-report';

const CHROMIUM = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));
const skip = CHROMIUM === undefined && 'no Chromium here: install it (Debian: chromium), or set CHROMIUM to its path';

const PAGES = { passed: PASSED_REPORT, failed: FAILED_REPORT, hostile: hostile(FAILED_REPORT) } as const;

void describe('the report in a browser', { skip, timeout: 240_000 }, () => {
  let browser: Browser;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'report-'));
    for (const [name, report] of Object.entries(PAGES))
      writeFileSync(join(folder, `${name}.html`), renderReport(report));
    // Its sandbox needs what containers do not give; it opens nothing but our own files.
    browser = await puppeteer.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
  });
  after(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function open(name: keyof typeof PAGES, width: number, scheme: 'light' | 'dark' = 'light') {
    const page = await browser.newPage();
    const trouble: string[] = [];
    page.on('console', (message) => trouble.push(message.text()));
    page.on('pageerror', (error) => trouble.push(String(error)));
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => trouble.push('a dialog opened')));
    const requests: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    await page.setViewport({ width, height: 844, isMobile: width < 600 });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    const address = pathToFileURL(join(folder, `${name}.html`)).href;
    await page.goto(address);
    return { page, trouble, requests, address };
  }

  for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
    void it(`${name}: nothing is cut off at 390 px, no error, no request, no script`, async () => {
      const { page, trouble, requests, address } = await open(name, 390);
      assert.deepEqual(await page.evaluate(CUT_OFF), []);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390);
      await page.evaluate(`document.querySelectorAll('details').forEach((each) => { each.open = true; })`);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 390, 'with all details open');
      assert.deepEqual(await page.evaluate(CUT_OFF), []);
      assert.deepEqual(trouble, []);
      assert.deepEqual(requests, [address]);
      assert.equal(await page.evaluate('document.scripts.length'), 0);
      await page.close();
    });
  }

  void it('finds what is cut off', async () => {
    const { page } = await open('passed', 390);
    await page.evaluate(`document.querySelector('footer').innerHTML = '<div style="width:500px">wide</div>'`);
    assert.deepEqual(await page.evaluate(CUT_OFF), ['div']);
    await page.close();
  });

  void it('opens the details of a check by keyboard', async () => {
    const { page } = await open('passed', 1000);
    const isOpen = () => page.evaluate(`document.activeElement.parentElement.open`);
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate('document.activeElement.tagName'), 'SUMMARY');
    assert.equal(await isOpen(), false);
    await page.keyboard.press('Enter');
    assert.equal(await isOpen(), true);
    assert.match(
      String(await page.evaluate('document.activeElement.parentElement.innerText')),
      /server\s+PostgreSQL 17\.4/,
    );
    await page.keyboard.press('Space');
    assert.equal(await isOpen(), false);
    await page.close();
  });

  void it('is readable in light and dark: each text has a contrast of at least 4.5 to 1', async () => {
    for (const scheme of ['light', 'dark'] as const) {
      for (const name of ['passed', 'failed'] as const) {
        const { page } = await open(name, 1000, scheme);
        const background = await page.evaluate('getComputedStyle(document.body).backgroundColor');
        assert.equal(background, scheme === 'light' ? 'rgb(251, 250, 248)' : 'rgb(21, 24, 28)');
        assert.deepEqual(await page.evaluate(LOW_CONTRAST), [], `${name}, ${scheme}`);
        await page.close();
      }
    }
  });

  void it('prints in light colours, with what the closed details hold', async () => {
    const { page } = await open('passed', 1000, 'dark');
    assert.equal(await shown(page), false);
    await page.emulateMediaType('print');
    assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)');
    assert.equal(await shown(page), true);
    const paper = await page.pdf({ format: 'A4' });
    assert.equal(Buffer.from(paper.subarray(0, 5)).toString(), '%PDF-');
    await page.close();
  });

  const shown = (page: Page) =>
    page.evaluate(`document.querySelector('.check dl').checkVisibility({ contentVisibilityAuto: true })`);
});

/** Elements that reach right of the phone. A page that is too wide makes its window wider, so that says nothing. */
const CUT_OFF = `[...document.body.querySelectorAll('*')]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > 390.5)
  .map((each) => [each.localName, ...each.classList].join('.'))`;

/** Texts whose colour is too near to what is behind them, as WCAG computes it. */
const LOW_CONTRAST = `(() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (each) => {
    for (let at = each; at; at = at.parentElement) {
      const [r, g, b, alpha = 1] = rgb(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const walker = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const each = node.parentElement;
    if (!node.data.trim() || !each.checkVisibility() || each.closest('title')) continue;
    const style = getComputedStyle(each);
    const ink = luminance(rgb(each.closest('svg') ? style.fill : style.color).slice(0, 3));
    const paper = luminance(behind(each));
    const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    if (contrast < 4.5) found.push(node.data.trim().slice(0, 40) + ': ' + contrast.toFixed(2));
  }
  return found;
})()`;
