"""What the starter (local/local-aws.ts) decided, read from the environment once."""

import json
import os
from pathlib import Path

DATA_DIR = Path(os.environ["LOCAL_AWS_DATA_DIR"])

ACCOUNT_ID = os.environ["MINISTACK_ACCOUNT_ID"]

# The file system FSID, of any Region, is the folder EFS_ROOT/FSID.
EFS_ROOT = DATA_DIR / "efs"

# How long simulated work takes, in seconds.
DURATIONS = {
    "backupSeconds": 1.0,
    "copySeconds": 1.0,
    "restoreSeconds": 1.0,
    "replicationSeconds": 0.5,
    "logShippingSeconds": 0.5,
    "automatedBackupReplicationSeconds": 0.5,
    "durableSecond": 1.0,
    "alarmSecond": 1.0,
    **json.loads(os.environ.get("LOCAL_AWS_DURATIONS", "{}")),
}

# Whether automated backups of instances are kept in their own Region too: a base backup and the logs of each.
AUTOMATED_BACKUPS = os.environ.get("LOCAL_AWS_AUTOMATED_BACKUPS") == "true"

# Holds initdb, pg_ctl and postgres.
POSTGRES_BIN = Path(os.environ.get("LOCAL_AWS_POSTGRES_BIN", "/nonexistent"))

# MariaDB's programs, where they are on this machine.
MARIADB = {
    name: Path(path)
    for name in ("mariadbd", "mariadb-install-db", "mariadb-binlog", "mariadb")
    if (path := json.loads(os.environ.get("LOCAL_AWS_MARIADB", "{}")).get(name))
}
