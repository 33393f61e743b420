/*
 * A file system that passes everything on to a directory, and takes a while for each request, as one on a network
 * does: slow DIRECTORY MOUNTPOINT MILLISECONDS STATISTICS. Up to
 * `servers` requests wait at once.
 *
 * The kernel keeps its defaults: it remembers names and attributes for a second, no missing names, and no attributes
 * for a listing (READDIRPLUS is off), so that the first look at an entry is a request. Extended attributes are
 * unknown. What nobody waits for (RELEASE, FORGET) takes no time.
 *
 * It serves until its standard input ends, and unmounts then, so nothing stays behind when its user is killed.
 */
#define FUSE_USE_VERSION 314
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { servers = 192 };
enum { FORGET = 2, RELEASE = 18, INIT = 26, RELEASEDIR = 29, INTERRUPT = 36, BATCH_FORGET = 42 };
enum { PARALLEL_DIROPS = 1 << 18 };

/* Mapped from the file STATISTICS: whoever reads it sees the present, and may set the first two to 0. */
static struct {
  _Atomic uint64_t most, requests, waiting;
} *statistics;

static int root;
static struct timespec latency;

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

static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  connection->want &= ~(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ);
  connection->max_background = servers;
  config->use_ino = 1;
  config->hard_remove = 1;
  return NULL;
}

static int slow_getattr(const char *path, struct stat *status, struct fuse_file_info *file) {
  return CHECK(file ? fstat(file->fh, status) : fstatat(root, below(path), status, AT_SYMLINK_NOFOLLOW));
}

static int slow_readlink(const char *path, char *target, size_t size) {
  ssize_t length = readlinkat(root, below(path), target, size - 1);
  if (length >= 0) target[length] = 0;
  return CHECK(length);
}

static int slow_mknod(const char *path, mode_t mode, dev_t device) {
  return give(path, mknodat(root, below(path), mode, device));
}

static int slow_mkdir(const char *path, mode_t mode) { return give(path, mkdirat(root, below(path), mode)); }

static int slow_unlink(const char *path) { return CHECK(unlinkat(root, below(path), 0)); }

static int slow_rmdir(const char *path) { return CHECK(unlinkat(root, below(path), AT_REMOVEDIR)); }

static int slow_symlink(const char *target, const char *path) {
  return give(path, symlinkat(target, root, below(path)));
}

static int slow_rename(const char *from, const char *to, unsigned flags) {
  return CHECK(renameat2(root, below(from), root, below(to), flags));
}

static int slow_link(const char *from, const char *to) {
  return CHECK(linkat(root, below(from), root, below(to), 0));
}

static int slow_chmod(const char *path, mode_t mode, struct fuse_file_info *file) {
  return CHECK(file ? fchmod(file->fh, mode) : fchmodat(root, below(path), mode, 0));
}

static int slow_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file) {
  return CHECK(file ? fchown(file->fh, uid, gid)
                    : fchownat(root, below(path), uid, gid, AT_SYMLINK_NOFOLLOW));
}

static int slow_truncate(const char *path, off_t size, struct fuse_file_info *file) {
  if (file) return CHECK(ftruncate(file->fh, size));
  int fd = openat(root, below(path), O_WRONLY | O_CLOEXEC);
  int done = fd < 0 ? -errno : CHECK(ftruncate(fd, size));
  if (fd >= 0) close(fd);
  return done;
}

static int slow_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file) {
  return CHECK(file ? futimens(file->fh, times) : utimensat(root, below(path), times, AT_SYMLINK_NOFOLLOW));
}

static int slow_open(const char *path, struct fuse_file_info *file) {
  int fd = openat(root, below(path), (file->flags & ~(O_APPEND | O_CREAT | O_EXCL)) | O_CLOEXEC);
  file->fh = fd;
  return CHECK(fd);
}

static int slow_create(const char *path, mode_t mode, struct fuse_file_info *file) {
  int fd = openat(root, below(path), (file->flags & ~O_APPEND) | O_CREAT | O_CLOEXEC, mode);
  int done = give(path, fd);
  if (done && fd >= 0) close(fd);
  file->fh = fd;
  return done;
}

static int slow_read(const char *path, char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  (void)path;
  ssize_t count = pread(file->fh, bytes, size, at);
  return count < 0 ? -errno : count;
}

static int slow_write(const char *path, const char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  (void)path;
  ssize_t count = pwrite(file->fh, bytes, size, at);
  return count < 0 ? -errno : count;
}

static int slow_statfs(const char *path, struct statvfs *status) {
  (void)path;
  return CHECK(fstatvfs(root, status));
}

/* Where a network file system tells what could not be written */
static int slow_flush(const char *path, struct fuse_file_info *file) {
  (void)path;
  return CHECK(close(dup(file->fh)));
}

static int slow_release(const char *path, struct fuse_file_info *file) {
  (void)path;
  return CHECK(close(file->fh));
}

static int slow_fsync(const char *path, int data, struct fuse_file_info *file) {
  (void)path;
  return CHECK(data ? fdatasync(file->fh) : fsync(file->fh));
}

static int slow_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t at,
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

static const struct fuse_operations operations = {
    .init = slow_init,       .getattr = slow_getattr, .readlink = slow_readlink, .mknod = slow_mknod,
    .mkdir = slow_mkdir,     .unlink = slow_unlink,   .rmdir = slow_rmdir,       .symlink = slow_symlink,
    .rename = slow_rename,   .link = slow_link,       .chmod = slow_chmod,       .chown = slow_chown,
    .truncate = slow_truncate, .utimens = slow_utimens, .open = slow_open,       .create = slow_create,
    .read = slow_read,       .write = slow_write,     .statfs = slow_statfs,     .flush = slow_flush,
    .release = slow_release, .fsync = slow_fsync,     .readdir = slow_readdir,
};

static void wait_as_a_network(uint32_t opcode) {
  if (opcode == FORGET || opcode == BATCH_FORGET || opcode == INTERRUPT) return;
  if (opcode == RELEASE || opcode == RELEASEDIR) return;
  uint64_t waiting = ++statistics->waiting, most = statistics->most;
  while (waiting > most && !atomic_compare_exchange_weak(&statistics->most, &most, waiting)) {
  }
  statistics->requests++;
  nanosleep(&latency, NULL);
  statistics->waiting--;
}

static _Thread_local uint32_t answered;

/*
 * What libfuse answers with. Its version 3.14 does not pass FUSE_CAP_PARALLEL_DIROPS on, so it is put into the answer to
 * INIT (struct fuse_init_out: major, minor, max_readahead, flags): else looks at one directory would wait for each
 * other, as they do on no network.
 */
ssize_t writev(int fd, const struct iovec *pieces, int count) {
  if (answered == INIT && count == 2 && pieces[1].iov_len >= 16)
    ((uint32_t *)pieces[1].iov_base)[3] |= PARALLEL_DIROPS;
  return syscall(SYS_writev, fd, pieces, count);
}

static void *serve(void *session) {
  struct fuse_buf request = {0};
  while (!fuse_session_exited(session)) {
    int length = fuse_session_receive_buf(session, &request);
    if (length == -EINTR) continue;
    if (length <= 0) break;
    answered = ((uint32_t *)request.mem)[1];
    wait_as_a_network(answered);
    fuse_session_process_buf(session, &request);
  }
  free(request.mem);
  return NULL;
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

static void open_all(char *words[]) {
  int file = open(words[4], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, sizeof *statistics)) exit((perror(words[4]), 1));
  statistics = mmap(NULL, sizeof *statistics, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  root = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || statistics == MAP_FAILED) exit((perror(words[1]), 1));
  double seconds = atof(words[3]) / 1000;
  latency = (struct timespec){(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};
}

int main(int count, char *words[]) {
  if (count != 5) return fputs("slow DIRECTORY MOUNTPOINT MILLISECONDS STATISTICS\n", stderr), 2;
  open_all(words);
  umask(0);
  char *options = geteuid() == 0 ? "-oallow_other,default_permissions" : "-odefault_permissions";
  struct fuse_args arguments = FUSE_ARGS_INIT(2, ((char *[]){words[0], options, NULL}));
  struct fuse *fuse = fuse_new(&arguments, &operations, sizeof operations, NULL);
  if (!fuse || fuse_mount(fuse, words[2])) return 1;
  pthread_t threads[servers], watcher;
  for (int i = 0; i < servers; i++) pthread_create(&threads[i], NULL, serve, fuse_get_session(fuse));
  pthread_create(&watcher, NULL, unmount_at_end_of_input, words[2]);
  puts("mounted"), fflush(stdout);
  for (int i = 0; i < servers; i++) pthread_join(threads[i], NULL);
  fuse_unmount(fuse);
  return 0;
}
