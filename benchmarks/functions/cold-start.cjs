// Runs in a fresh process: loads the bundle of a function and calls its handler with an event that it refuses at once.
// Prints the milliseconds since the process began, before and after.
const nodeItself = performance.now();
const { handler } = require(process.argv[2]);
const loaded = performance.now();
Promise.resolve()
  .then(() => handler({}, { awsRequestId: '0', functionName: 'benchmark', invokedFunctionArn: 'none' }))
  .then(
    () => 'answered',
    (error) => `refused: ${error.message}`,
  )
  .then((outcome) =>
    process.stdout.write(JSON.stringify({ nodeItself, loaded, answered: performance.now(), outcome })),
  );
