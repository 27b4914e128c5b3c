"""KMS keys of other accounts: MiniStack looks for a key in the caller's account alone; AWS takes the ARN of any, and asks its policy."""

from ministack.core.responses import get_account_id, get_region
from ministack.services import kms

_resolve_own = kms._resolve_key


def install() -> None:
    kms._resolve_key = _resolve


def _resolve(key: str | None) -> dict | None:
    parts = (key or "").split(":")
    if len(parts) != 6 or parts[2] != "kms" or parts[4] == get_account_id() or not parts[5].startswith("key/"):
        return _resolve_own(key)
    # A key is used in its own Region only.
    return kms._keys.get_scoped(parts[4], parts[3], parts[5].removeprefix("key/")) if parts[3] == get_region() else None
