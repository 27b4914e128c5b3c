import type * as efs from 'aws-cdk-lib/aws-efs';
import { CfnAccessPoint } from 'aws-cdk-lib/aws-efs';
import { type CfnElement, type Size, SizeRoundingBehavior, Stack, Token, Tokenization } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import type { OptionalTechnique } from '../objectives/optional-technique';
import type { VolumeInput } from '../planning/plan-types';
import { definitionOf } from '../private/definition';
import { nameFromId } from '../private/names';

/** Where a volume belongs in the server directory. */
export interface VolumeProps {
  /**
   * The path below `<IS_HOME>` that the volume holds, without leading or trailing slash: `repository`,
   * `repository/tenants`, `repository/deployment/server/userstores`.
   */
  readonly mountedAt: string;
  /**
   * Name of this component in the plan, in reports and in the archive: lower-case letters, digits, hyphens.
   *
   * @default - made of `mountedAt`: `repository/tenants` becomes `repository-tenants`
   */
  readonly name?: string;
  /**
   * The directory of the file system to which the access point leads: `/repository`. Where volumes are restored from recovery points
   * of AWS Backup, which hold the whole file system, this directory alone is.
   *
   * @default - that of an access point of this app; of an imported one the root, `/`
   */
  readonly path?: string;
  /**
   * How much data it holds, for the estimates of the time to recover and of the cost.
   *
   * @default Size.gibibytes(2)
   */
  readonly size?: Size;
  /**
   * How many files it holds, for the estimate of the time to recover.
   *
   * @default 10000
   */
  readonly files?: number;
  /**
   * Techniques that the plan must do without.
   *
   * @default - none
   */
  readonly without?: OptionalTechnique[];
}

/** An EFS file system (through one access point) that holds a path of `<IS_HOME>`. */
export class Volume {
  /**
   * @param accessPoint new or imported (`AccessPoint.fromAccessPointAttributes` with its file system and that one's
   * security group). Files are read as the POSIX user that it enforces.
   */
  public static fromAccessPoint(accessPoint: efs.IAccessPoint, props: VolumeProps): Volume {
    return new Volume(accessPoint, props);
  }

  /** The access point through which the files are read. */
  public readonly accessPoint: efs.IAccessPoint;
  /** The path below `<IS_HOME>` that the volume holds. */
  public readonly mountedAt: string;
  /** The component's name in the plan, in reports and in the archive. */
  public readonly name: string;

  /**
   * @internal
   */
  public readonly _planInput: VolumeInput;

  /**
   * Directory of the file system; undefined: its root.
   * @internal
   */
  public readonly _path?: string;

  /**
   * The file system's resource, where it is of this app.
   * @internal
   */
  public readonly _definition?: CfnElement;

  private constructor(accessPoint: efs.IAccessPoint, props: VolumeProps) {
    if (
      !/^[^/]+(\/[^/]+)*$/.test(props.mountedAt) ||
      props.mountedAt.split('/').some((part) => /^\.{1,2}$/.test(part))
    ) {
      throw new Error(
        '`mountedAt` must be a path below <IS_HOME> without leading or trailing slash, ' +
          `got '${props.mountedAt}': write it like repository/tenants`,
      );
    }
    this._path = props.path === undefined ? statedPath(accessPoint) : requirePath(props.path);
    this.accessPoint = accessPoint;
    this.mountedAt = props.mountedAt;
    this.name = props.name ?? nameFromId(props.mountedAt);
    const { fileSystem } = accessPoint;
    this._definition = definitionOf(fileSystem, fileSystem.fileSystemId);
    this._planInput = {
      name: this.name,
      sizeGib: props.size?.toGibibytes({ rounding: SizeRoundingBehavior.NONE }),
      files: props.files,
      without: props.without,
    };
  }
  /**
   * @param scope in the stack whose Region and account the file system is in
   * @internal
   */
  public _fileSystemArn(scope: IConstruct): string {
    return Stack.of(scope).formatArn({
      service: 'elasticfilesystem',
      resource: 'file-system',
      resourceName: this.accessPoint.fileSystem.fileSystemId,
    });
  }
}

/** Of an access point of this app. */
function statedPath(accessPoint: efs.IAccessPoint): string | undefined {
  const { defaultChild } = accessPoint.node;
  const root = defaultChild instanceof CfnAccessPoint ? defaultChild.rootDirectory : undefined;
  return root === undefined || Tokenization.isResolvable(root) ? undefined : root.path;
}

function requirePath(path: string): string {
  if (Token.isUnresolved(path) || path === '/') return path;
  const parts = path.split('/').slice(1);
  if (path.startsWith('/') && parts.every((part) => part !== '' && part !== '.' && part !== '..')) return path;
  throw new Error(
    `\`path\` must be a directory of the file system, got '${path}': write it from its root, without a slash at its end, like ` +
      '/repository',
  );
}
