"""File systems of their own for checks: sparse images, mounted by loop devices."""
import contextlib
import errno
import os
import subprocess

from checks import search_path
from waiting import until

MIB = 1 << 20

FORMATS = {
    "ext4": ["mkfs.ext4", "-q", "-F"],
    "ext4 with 1 KiB blocks": ["mkfs.ext4", "-q", "-F", "-b", "1024"],
    "ext4 with 4 KiB blocks": ["mkfs.ext4", "-q", "-F", "-b", "4096"],
    "ext4 without a journal": ["mkfs.ext4", "-q", "-F", "-O", "^has_journal"],
    "XFS": ["mkfs.xfs", "-q", "-f"],
    "Btrfs": ["mkfs.btrfs", "-q", "-f"],
}


def command(*words):
    """Runs a system program that must succeed; returns what it says."""
    environment = dict(os.environ, PATH=search_path(), LC_ALL="C")
    done = subprocess.run(words, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(words)}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def make_image(path, size, kind):
    """A sparse file with an empty file system."""
    with open(path, "wb") as file:
        file.truncate(size)
    command(*FORMATS[kind], path)


@contextlib.contextmanager
def mounted(source, point, *options):
    """Mounts for a block. At its end the mount goes even where something still uses it."""
    os.makedirs(point, exist_ok=True)
    command("mount", *options, source, point)
    try:
        yield point
    finally:
        unmount(point)


def unmount(point, timeout=20):
    """Takes a file system away, once nobody uses it; in the end all the same."""
    if not until(lambda: is_unmounted(point), timeout, every=0.05):
        command("umount", "-l", point)


def is_unmounted(point):
    try:
        command("umount", point)
    except OSError as error:
        return "not mounted" in str(error)
    return True


def refusal_of(kind, folder):
    """Why a file system can't be used here; `None` where it can."""
    image = f"{folder}/probe"
    try:
        make_image(image, 512 * MIB, kind)
        with mounted(image, f"{folder}/probe-mount", "-o", "loop"):
            return None
    except OSError as error:
        return str(error)
    finally:
        with contextlib.suppress(OSError):
            os.remove(image)


# Copies


def segments(descriptor):
    """The parts of a sparse file that hold data, as (start, end)."""
    end, size = 0, os.fstat(descriptor).st_size
    while end < size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def pieces(descriptor):
    for start, end in segments(descriptor):
        for offset in range(start, end, MIB):
            yield offset, os.pread(descriptor, min(MIB, end - offset), offset)


def copy_settled(source, target, attempts=100):
    """Copies an image that the system may still be writing, until the copy is one moment of it."""
    reading = os.open(source, os.O_RDONLY)
    writing = os.open(target, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    try:
        os.ftruncate(writing, os.fstat(reading).st_size)
        for _ in range(attempts):
            differs = False
            for offset, data in pieces(reading):
                if os.pread(writing, len(data), offset) != data:
                    os.pwrite(writing, data, offset)
                    differs = True
            if not differs:
                return
        raise OSError(f"{source} never stood still")
    finally:
        os.close(reading)
        os.close(writing)


def free_bytes(path):
    """What a node measures: the bytes its user may still write."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def fallocate(path, size):
    """Takes room from a file system, all of it at once."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.posix_fallocate(descriptor, 0, size)
    finally:
        os.close(descriptor)
