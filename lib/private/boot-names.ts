/** What the task definition of a boot and the drill that runs it both name. */

/** The container of Identity Server. */
export const BOOT_CONTAINER = 'identity-server';

/** In the folder of a drill on the restore volume: the isolated `deployment.toml`. */
export const BOOT_FOLDER = 'wso2is-recovery-boot';
