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
#include "passthrough.h"
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { servers = 192 };
enum { FORGET = 2, RELEASE = 18, INIT = 26, RELEASEDIR = 29, INTERRUPT = 36, BATCH_FORGET = 42 };
enum { PARALLEL_DIROPS = 1 << 18 };

/* Mapped from the file STATISTICS: whoever reads it sees the present, and may set the first two to 0. */
static struct {
  _Atomic uint64_t most, requests, waiting;
} *statistics;

static struct timespec latency;

static void *slow_init(struct fuse_conn_info *connection, struct fuse_config *config) {
  connection->want &= ~(FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO | FUSE_CAP_SPLICE_READ);
  connection->max_background = servers;
  config->use_ino = 1;
  config->hard_remove = 1;
  return NULL;
}

static const struct fuse_operations operations = {
    .init = slow_init,       .getattr = pass_getattr, .readlink = pass_readlink, .mknod = pass_mknod,
    .mkdir = pass_mkdir,     .unlink = pass_unlink,   .rmdir = pass_rmdir,       .symlink = pass_symlink,
    .rename = pass_rename,   .link = pass_link,       .chmod = pass_chmod,       .chown = pass_chown,
    .truncate = pass_truncate, .utimens = pass_utimens, .open = pass_open,       .create = pass_create,
    .read = pass_read,       .write = pass_write,     .statfs = pass_statfs,     .flush = pass_flush,
    .release = pass_release, .fsync = pass_fsync,     .readdir = pass_readdir,
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
