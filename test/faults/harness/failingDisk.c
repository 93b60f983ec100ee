/*
 * Preloaded into a program under test: what it reads or writes in files whose path contains BROKEN_PATH fails with EIO, as on a
 * disk with bad sectors. BROKEN_CALLS: `read`, `write`, `flush` or `list`, whichever is to fail. BROKEN_FROM: bytes at the
 * beginning of a file that can still be read or written.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static int isBroken(const char *calls, const char *path) {
  const char *broken = getenv("BROKEN_PATH");
  const char *wanted = getenv("BROKEN_CALLS");
  return broken && wanted && !strcmp(wanted, calls) && strstr(path, broken) != NULL;
}

static int fails(const char *calls, int fd, off_t at) {
  char link[64], path[PATH_MAX];
  const char *from = getenv("BROKEN_FROM");
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (!isBroken(calls, path)) return 0;
  if (at < 0) at = lseek(fd, 0, SEEK_CUR);
  if (from && at < atoll(from)) return 0;
  errno = EIO;
  return 1;
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name))

ssize_t read(int fd, void *buffer, size_t length) {
  return fails("read", fd, -1) ? -1 : REAL(ssize_t, "read", int, void *, size_t)(fd, buffer, length);
}

ssize_t pread64(int fd, void *buffer, size_t length, off_t at) {
  return fails("read", fd, at) ? -1 : REAL(ssize_t, "pread64", int, void *, size_t, off_t)(fd, buffer, length, at);
}

ssize_t preadv64(int fd, const struct iovec *pieces, int count, off_t at) {
  return fails("read", fd, at)
    ? -1 : REAL(ssize_t, "preadv64", int, const struct iovec *, int, off_t)(fd, pieces, count, at);
}

ssize_t write(int fd, const void *buffer, size_t length) {
  return fails("write", fd, -1) ? -1 : REAL(ssize_t, "write", int, const void *, size_t)(fd, buffer, length);
}

ssize_t pwrite64(int fd, const void *buffer, size_t length, off_t at) {
  return fails("write", fd, at)
    ? -1 : REAL(ssize_t, "pwrite64", int, const void *, size_t, off_t)(fd, buffer, length, at);
}

ssize_t writev(int fd, const struct iovec *pieces, int count) {
  return fails("write", fd, -1) ? -1 : REAL(ssize_t, "writev", int, const struct iovec *, int)(fd, pieces, count);
}

int fsync(int fd) { return fails("flush", fd, 0) ? -1 : REAL(int, "fsync", int)(fd); }

int fdatasync(int fd) { return fails("flush", fd, 0) ? -1 : REAL(int, "fdatasync", int)(fd); }

int scandir64(const char *directory, struct dirent64 ***names, int (*filter)(const struct dirent64 *),
              int (*compare)(const struct dirent64 **, const struct dirent64 **)) {
  char path[PATH_MAX];
  if (realpath(directory, path) && isBroken("list", path)) {
    errno = EIO;
    return -1;
  }
  return REAL(int, "scandir64", const char *, struct dirent64 ***, int (*)(const struct dirent64 *),
              int (*)(const struct dirent64 **, const struct dirent64 **))(directory, names, filter, compare);
}
