import type * as efs from 'aws-cdk-lib/aws-efs';
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
    this.accessPoint = accessPoint;
    this.mountedAt = props.mountedAt;
    this.name = props.name ?? nameFromId(props.mountedAt);
  }
}
