/*
 * What a file system of FUSE does that passes everything on to a directory, for those that add something to it. Extended
 * attributes are not among it.
 */
#define FUSE_USE_VERSION 314
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

/* The directory behind. */
static int root;

#define CHECK(call) ((call) < 0 ? -errno : 0)

static const char *below(const char *path) { return path[1] ? path + 1 : "."; }

/* What is made belongs to who asked for it; in a directory that gives its group, to that group. */
static int give(const char *path, int made) {
  if (made < 0) return -errno;
  struct fuse_context *caller = fuse_get_context();
  struct stat status;
  if (geteuid() != 0 || fstatat(root, below(path), &status, AT_SYMLINK_NOFOLLOW)) return 0;
  gid_t group = status.st_gid != getegid() ? (gid_t)-1 : caller->gid;
  if (caller->uid == status.st_uid && (group == (gid_t)-1 || group == status.st_gid)) return 0;
  int done = CHECK(fchownat(root, below(path), caller->uid, group, AT_SYMLINK_NOFOLLOW));
  /* chown clears these */
  if (!done && (status.st_mode & 06000) && !S_ISLNK(status.st_mode))
    done = CHECK(fchmodat(root, below(path), status.st_mode & 07777, 0));
  return done;
}

static int pass_getattr(const char *path, struct stat *status, struct fuse_file_info *file) {
  return CHECK(file ? fstat(file->fh, status) : fstatat(root, below(path), status, AT_SYMLINK_NOFOLLOW));
}

static int pass_readlink(const char *path, char *target, size_t size) {
  ssize_t length = readlinkat(root, below(path), target, size - 1);
  if (length >= 0) target[length] = 0;
  return CHECK(length);
}

static int pass_mknod(const char *path, mode_t mode, dev_t device) {
  return give(path, mknodat(root, below(path), mode, device));
}

static int pass_mkdir(const char *path, mode_t mode) { return give(path, mkdirat(root, below(path), mode)); }

static int pass_unlink(const char *path) { return CHECK(unlinkat(root, below(path), 0)); }

static int pass_rmdir(const char *path) { return CHECK(unlinkat(root, below(path), AT_REMOVEDIR)); }

static int pass_symlink(const char *target, const char *path) {
  return give(path, symlinkat(target, root, below(path)));
}

static int pass_rename(const char *from, const char *to, unsigned flags) {
  return CHECK(renameat2(root, below(from), root, below(to), flags));
}

static int pass_link(const char *from, const char *to) {
  return CHECK(linkat(root, below(from), root, below(to), 0));
}

static int pass_chmod(const char *path, mode_t mode, struct fuse_file_info *file) {
  return CHECK(file ? fchmod(file->fh, mode) : fchmodat(root, below(path), mode, 0));
}

static int pass_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file) {
  return CHECK(file ? fchown(file->fh, uid, gid)
                    : fchownat(root, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int pass_truncate(const char *path, off_t size, struct fuse_file_info *file) {
  if (file) return CHECK(ftruncate(file->fh, size));
  int fd = openat(root, below(path), O_WRONLY | O_CLOEXEC);
  int done = fd < 0 ? -errno : CHECK(ftruncate(fd, size));
  if (fd >= 0) close(fd);
  return done;
}

static int pass_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file) {
  return CHECK(file ? futimens(file->fh, times) : utimensat(root, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int pass_open(const char *path, struct fuse_file_info *file) {
  int fd = openat(root, below(path), (file->flags & ~(O_APPEND | O_CREAT | O_EXCL)) | O_CLOEXEC);
  file->fh = fd;
  return CHECK(fd);
}

static int pass_create(const char *path, mode_t mode, struct fuse_file_info *file) {
  int fd = openat(root, below(path), (file->flags & ~O_APPEND) | O_CREAT | O_CLOEXEC, mode);
  int done = give(path, fd);
  if (done && fd >= 0) close(fd);
  file->fh = fd;
  return done;
}

static int pass_read(const char *path, char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  (void)path;
  ssize_t count = pread(file->fh, bytes, size, at);
  return count < 0 ? -errno : count;
}

static int pass_write(const char *path, const char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  (void)path;
  ssize_t count = pwrite(file->fh, bytes, size, at);
  return count < 0 ? -errno : count;
}

static int pass_statfs(const char *path, struct statvfs *status) {
  (void)path;
  return CHECK(fstatvfs(root, status));
}

/* Where a network file system tells what could not be written */
static int pass_flush(const char *path, struct fuse_file_info *file) {
  (void)path;
  return CHECK(close(dup(file->fh)));
}

static int pass_release(const char *path, struct fuse_file_info *file) {
  (void)path;
  return CHECK(close(file->fh));
}

static int pass_fsync(const char *path, int data, struct fuse_file_info *file) {
  (void)path;
  return CHECK(data ? fdatasync(file->fh) : fsync(file->fh));
}

static int pass_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t at,
                        struct fuse_file_info *file, enum fuse_readdir_flags flags) {
  (void)at, (void)file, (void)flags;
  DIR *directory = fdopendir(openat(root, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return -errno;
  for (struct dirent *entry; (entry = readdir(directory));) {
    struct stat status = {.st_ino = entry->d_ino, .st_mode = DTTOIF(entry->d_type)};
    if (fill(list, entry->d_name, &status, 0, 0)) break;
  }
  closedir(directory);
  return 0;
}

static void *unmount_at_end_of_input(void *mountpoint) {
  char byte;
  while (read(0, &byte, 1) > 0) {
  }
  if (umount2(mountpoint, MNT_DETACH) != 0) {
    execlp("fusermount3", "fusermount3", "-u", "-z", (char *)mountpoint, NULL);
    _exit(1);
  }
  sleep(2); /* For what is still open */
  _exit(0);
}
