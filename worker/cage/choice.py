"""Whether a worker's processes are caged, and what it says of that."""

import logging
import sys

from formats.files.location import Url
from jobs.address import Address
from jobs.settings import Settings
from worker.cage.cage import Cage, find_cage

log = logging.getLogger(__name__)


def choose_cage(settings: Settings, forks: bool) -> Cage | None:
    """The cage by NIGHTSHIFT_CAGE and by what the kernel has, said in the log's first line. `forks`: each process that
    scores is a fork of the worker's. Ends the worker if there is no whole cage and one is required."""
    address = Address.parse(settings.redis_url) if settings.redis_url else None
    if settings.cage == "off":
        found: Cage | str = "NIGHTSHIFT_CAGE=off"
    elif not forks:
        found = "the pool does not fork"
    else:
        found = find_cage(address, any(isinstance(root, Url) for root in settings.data))
    if isinstance(found, Cage) and (found.landlock or settings.cage != "require"):
        log.warning("caged: %s", found)
        return found
    if settings.cage == "require":
        sys.exit(f"worker: NIGHTSHIFT_CAGE=require, but there is no whole cage: {found}")
    log.warning("not caged: %s", found)
    return None
