/*
 * A file system that passes everything on to a directory until the N-th operation, and then goes wrong:
 * fault DIRECTORY MOUNTPOINT CONTROL. What is to happen, and what has happened, is in the file CONTROL.
 *
 * The kernel remembers nothing for it (no names, no attributes, no content), so that each operation of a program
 * arrives. Operations are served one at a time. Not told apart from success, since the kernel does not ask: syncfs.
 * RELEASE cannot fail either and is not counted. There is no O_TMPFILE.
 *
 * It serves until its standard input ends, and unmounts then.
 */
#include "../../bench/passthrough.h"
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/xattr.h>

/* What happens at operation `at`: `error` once, for everything from there on, or for all that needs space; or a kill. */
enum { NOTHING, ONCE, EVER, SPACE, KILL_BEFORE, KILL_AFTER };
/* What an operation is: it only looks, it changes something, or it needs space for that. */
enum { LOOKS = 1, CHANGES = 2, GROWS = 6 };

/* As fault-file-system.ts has it. */
static volatile struct {
  int64_t kind, error, at, counted, count, happened;
  char what[256];
} *control;

static void kill_caller(void) {
  char path[64], line[128];
  int group = 0;
  snprintf(path, sizeof path, "/proc/%d/status", fuse_get_context()->pid);
  FILE *status = fopen(path, "r");
  while (status && fgets(line, sizeof line, status))
    if (sscanf(line, "Tgid: %d", &group) == 1) break;
  if (status) fclose(status);
  if (group > 1) kill(group, SIGKILL);
}

/* The kernel itself has no process, and is told no lies. */
static int is_counted(int does) { return (control->counted & does) != 0 && fuse_get_context()->pid != 0; }

static int is_struck(int does, int isNow) {
  switch (control->kind) {
    case ONCE:
    case KILL_BEFORE: return isNow;
    case EVER: return control->count >= control->at;
    case SPACE: return control->count >= control->at && does == GROWS;
    default: return 0;
  }
}

static void tell(const char *name, const char *path) {
  if (control->happened++ == 0) snprintf((char *)control->what, sizeof control->what, "%s %s", name, path);
}

/* The errno of an operation that is not to be done; 0 when it is. */
static int before(int does, const char *name, const char *path, int *isLast) {
  if (control->kind == NOTHING) return 0;
  int isNow = is_counted(does) && ++control->count == control->at;
  *isLast = isNow && control->kind == KILL_AFTER;
  if (!is_struck(does, isNow)) return 0;
  tell(name, path);
  if (control->kind != KILL_BEFORE) return -(int)control->error;
  kill_caller();
  return -EINTR;
}

static void after(int isLast, const char *name, const char *path) {
  if (!isLast) return;
  tell(name, path);
  kill_caller();
}

#define STRIKE(does, name, path, call)                 \
  ({                                                   \
    int isLast = 0, done = before(does, name, path, &isLast); \
    if (!done) done = (call), after(isLast, name, path); \
    done;                                              \
  })

static void *fault_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  connection->want &= ~(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ);
  connection->want |= connection->capable & FUSE_CAP_POSIX_ACL;
  config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
  config->use_ino = config->hard_remove = config->direct_io = 1;
  return NULL;
}

static int fault_getattr(const char *path, struct stat *status, struct fuse_file_info *file) {
  return STRIKE(LOOKS, "getattr", path, pass_getattr(path, status, file));
}
static int fault_readlink(const char *path, char *target, size_t size) {
  return STRIKE(LOOKS, "readlink", path, pass_readlink(path, target, size));
}
static int fault_mknod(const char *path, mode_t mode, dev_t device) {
  return STRIKE(GROWS, "mknod", path, pass_mknod(path, mode, device));
}
static int fault_mkdir(const char *path, mode_t mode) {
  return STRIKE(GROWS, "mkdir", path, pass_mkdir(path, mode));
}
static int fault_unlink(const char *path) { return STRIKE(CHANGES, "unlink", path, pass_unlink(path)); }
static int fault_rmdir(const char *path) { return STRIKE(CHANGES, "rmdir", path, pass_rmdir(path)); }
static int fault_symlink(const char *target, const char *path) {
  return STRIKE(GROWS, "symlink", path, pass_symlink(target, path));
}
static int fault_rename(const char *from, const char *to, unsigned flags) {
  return STRIKE(CHANGES, "rename", to, pass_rename(from, to, flags));
}
static int fault_link(const char *from, const char *to) {
  return STRIKE(GROWS, "link", to, pass_link(from, to));
}
static int fault_chmod(const char *path, mode_t mode, struct fuse_file_info *file) {
  return STRIKE(CHANGES, "chmod", path, pass_chmod(path, mode, file));
}
static int fault_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *file) {
  return STRIKE(CHANGES, "chown", path, pass_chown(path, uid, gid, file));
}
static int fault_truncate(const char *path, off_t size, struct fuse_file_info *file) {
  return STRIKE(CHANGES, "truncate", path, pass_truncate(path, size, file));
}
static int fault_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file) {
  return STRIKE(CHANGES, "utimens", path, pass_utimens(path, times, file));
}
static int fault_open(const char *path, struct fuse_file_info *file) {
  return STRIKE(LOOKS, "open", path, pass_open(path, file));
}
static int fault_create(const char *path, mode_t mode, struct fuse_file_info *file) {
  return STRIKE(GROWS, "create", path, pass_create(path, mode, file));
}
static int fault_read(const char *path, char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  return STRIKE(LOOKS, "read", path, pass_read(path, bytes, size, at, file));
}
static int fault_write(const char *path, const char *bytes, size_t size, off_t at, struct fuse_file_info *file) {
  return STRIKE(GROWS, "write", path, pass_write(path, bytes, size, at, file));
}
/* A full one says so. */
static int fault_statfs(const char *path, struct statvfs *status) {
  int done = STRIKE(LOOKS, "statfs", path, pass_statfs(path, status));
  if (control->kind == SPACE && control->count >= control->at) status->f_bfree = status->f_bavail = 0;
  return done;
}
static int fault_flush(const char *path, struct fuse_file_info *file) {
  return STRIKE(CHANGES, "flush", path, pass_flush(path, file));
}
static int fault_fsync(const char *path, int data, struct fuse_file_info *file) {
  return STRIKE(CHANGES, "fsync", path, pass_fsync(path, data, file));
}
static int fault_readdir(const char *path, void *list, fuse_fill_dir_t fill, off_t at,
                         struct fuse_file_info *file, enum fuse_readdir_flags flags) {
  return STRIKE(LOOKS, "readdir", path, pass_readdir(path, list, fill, at, file, flags));
}

/* By path: the program stands in the directory behind. */
static int fault_setxattr(const char *path, const char *name, const char *value, size_t size, int flags) {
  return STRIKE(GROWS, "setxattr", path, CHECK(lsetxattr(below(path), name, value, size, flags)));
}
static int fault_removexattr(const char *path, const char *name) {
  return STRIKE(CHANGES, "removexattr", path, CHECK(lremovexattr(below(path), name)));
}
static int get_attribute(const char *path, const char *name, char *value, size_t size) {
  ssize_t length = lgetxattr(below(path), name, value, size);
  return length < 0 ? -errno : length;
}
static int fault_getxattr(const char *path, const char *name, char *value, size_t size) {
  return STRIKE(LOOKS, "getxattr", path, get_attribute(path, name, value, size));
}
static int list_attributes(const char *path, char *names, size_t size) {
  ssize_t length = llistxattr(below(path), names, size);
  return length < 0 ? -errno : length;
}
static int fault_listxattr(const char *path, char *names, size_t size) {
  return STRIKE(LOOKS, "listxattr", path, list_attributes(path, names, size));
}

/* Holes are where the directory behind has them. */
static off_t fault_lseek(const char *path, off_t at, int whence, struct fuse_file_info *file) {
  int isLast = 0, failed = before(LOOKS, "lseek", path, &isLast);
  if (failed) return failed;
  off_t found = lseek(file->fh, at, whence);
  if (found < 0) found = -errno;
  after(isLast, "lseek", path);
  return found;
}

static const struct fuse_operations operations = {
    .init = fault_init,         .getattr = fault_getattr,   .readlink = fault_readlink,
    .mknod = fault_mknod,       .mkdir = fault_mkdir,       .unlink = fault_unlink,
    .rmdir = fault_rmdir,       .symlink = fault_symlink,   .rename = fault_rename,
    .link = fault_link,         .chmod = fault_chmod,       .chown = fault_chown,
    .truncate = fault_truncate, .utimens = fault_utimens,   .open = fault_open,
    .create = fault_create,     .read = fault_read,         .write = fault_write,
    .statfs = fault_statfs,     .flush = fault_flush,       .release = pass_release,
    .fsync = fault_fsync,       .readdir = fault_readdir,   .setxattr = fault_setxattr,
    .getxattr = fault_getxattr, .listxattr = fault_listxattr, .removexattr = fault_removexattr,
    .lseek = fault_lseek,
};

static void open_all(char *words[]) {
  int file = open(words[3], O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0 || ftruncate(file, sizeof *control)) exit((perror(words[3]), 1));
  control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  root = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || fchdir(root) || control == MAP_FAILED) exit((perror(words[1]), 1));
}

int main(int count, char *words[]) {
  if (count != 4) return fputs("fault DIRECTORY MOUNTPOINT CONTROL\n", stderr), 2;
  /* Whoever ends its user ends it by the end of its input: then it unmounts */
  signal(SIGHUP, SIG_IGN), signal(SIGINT, SIG_IGN), signal(SIGTERM, SIG_IGN);
  open_all(words);
  umask(0);
  char *options = geteuid() == 0 ? "-oallow_other,default_permissions,dev,suid" : "-odefault_permissions";
  struct fuse_args arguments = FUSE_ARGS_INIT(2, ((char *[]){words[0], options, NULL}));
  struct fuse *fuse = fuse_new(&arguments, &operations, sizeof operations, NULL);
  if (!fuse || fuse_mount(fuse, words[2])) return 1;
  pthread_t watcher;
  pthread_create(&watcher, NULL, unmount_at_end_of_input, words[2]);
  puts("mounted"), fflush(stdout);
  fuse_loop(fuse);
  fuse_unmount(fuse);
  return 0;
}
