// The floor: copies a ready list of entries with nothing but the system calls that a copy needs, to compare
// bcopy with. `floor SOURCE DESTINATION LIST THREADS [unnamed]`; DESTINATION is made. `unnamed` makes each file
// without a name and links it (O_TMPFILE) instead of renaming a temporary one. LIST holds records that end in NUL:
//   dPATH          a directory; parents come first, the root ("d") before all
//   fBYTES/PATH    a file; the entries of one directory stand together
//   sPATH          a symlink
//   hPATH, =FIRST  a further name of a file, and (the next record) its first name
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER = 256 << 10, GROUP_ENTRIES = 256 };
static const long long GROUP_BYTES = 64LL << 20;

typedef struct { char kind; long long bytes; const char *path; const char *first; } entry;
typedef struct { size_t from, to; } group;
typedef struct { int source, destination; const char *path; size_t length; } directory;

static entry *entries;
static group *groups;
static size_t entry_count, group_count;
static atomic_size_t next_group;
static int source_root, destination_root, unnamed;

static void fail(const char *what, const char *path) {
  fprintf(stderr, "floor: cannot %s %s: %s\n", what, path, strerror(errno));
  exit(1);
}

static int check(long result, const char *what, const char *path) {
  if (result < 0) fail(what, path);
  return (int)result;
}

static size_t parent_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) : 0;
}

static int open_directory(int root, const char *path, size_t length) {
  char name[4096];
  if (length >= sizeof name) { errno = ENAMETOOLONG; fail("open", path); }
  memcpy(name, length ? path : ".", length ? length : 1);
  name[length ? length : 1] = 0;
  return check(openat(root, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), "open", name);
}

/* The descriptors stay open as long as the entries are in one directory. */
static void enter(directory *at, const char *path) {
  size_t length = parent_length(path);
  if (at->path && at->length == length && !memcmp(at->path, path, length)) return;
  if (at->path) { close(at->source); close(at->destination); }
  at->source = open_directory(source_root, path, length);
  at->destination = open_directory(destination_root, path, length);
  at->path = path;
  at->length = length;
}

static void read_write(int from, int to, off_t at, off_t end, char *buffer, const char *path) {
  while (at < end) {
    ssize_t got = pread(from, buffer, end - at < BUFFER ? end - at : BUFFER, at);
    check(got, "read", path);
    if (got == 0) return;
    if (pwrite(to, buffer, got, at) != got) fail("write", path);
    at += got;
  }
}

static void copy_range(int from, int to, off_t at, off_t end, char *buffer, const char *path) {
  if (end - at <= BUFFER) return read_write(from, to, at, end, buffer, path);
  while (at < end) {
    loff_t in = at, out = at;
    ssize_t got = copy_file_range(from, &in, to, &out, end - at, 0);
    if (got < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP))
      return read_write(from, to, at, end, buffer, path);
    check(got, "copy", path);
    if (got == 0) return;
    at += got;
  }
}

static void copy_content(int from, int to, const struct stat *status, char *buffer, const char *path) {
  off_t size = status->st_size;
  if (status->st_blocks * 512 >= size) return copy_range(from, to, 0, size, buffer, path);
  for (off_t at = 0, hole; (at = lseek(from, at, SEEK_DATA)) >= 0 && at < size; at = hole) {
    hole = lseek(from, at, SEEK_HOLE);
    copy_range(from, to, at, hole < size ? hole : size, buffer, path);
  }
  check(ftruncate(to, size), "set the size of", path);
}

static void publish(const directory *at, int to, const char *temporary, const char *name, const char *path) {
  if (!unnamed) {
    check(renameat(at->destination, temporary, at->destination, name), "rename", path);
    return;
  }
  char open_file[32];
  snprintf(open_file, sizeof open_file, "/proc/self/fd/%d", to);
  check(linkat(AT_FDCWD, open_file, at->destination, name, AT_SYMLINK_FOLLOW), "link", path);
}

static void copy_file(const directory *at, const entry *e, const char *temporary, char *buffer) {
  const char *name = e->path + at->length + (at->length > 0);
  int from = check(openat(at->source, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), "open", e->path);
  struct stat status;
  check(fstat(from, &status), "look at", e->path);
  int flags = unnamed ? O_WRONLY | O_TMPFILE | O_CLOEXEC : O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int to = check(openat(at->destination, unnamed ? "." : temporary, flags, 0600), "create", e->path);
  copy_content(from, to, &status, buffer, e->path);
  check(fchown(to, status.st_uid, status.st_gid), "set the owner of", e->path);
  check(fchmod(to, status.st_mode & 07777), "set the mode of", e->path);
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  check(futimens(to, times), "set the times of", e->path);
  publish(at, to, temporary, name, e->path);
  close(to);
  close(from);
}

/* Owner and times of what cannot be opened, or need not be. */
static void copy_metadata(int from, int to, const char *source, const char *name, int has_mode) {
  struct stat status;
  check(fstatat(from, source, &status, AT_SYMLINK_NOFOLLOW), "look at", source);
  check(fchownat(to, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW), "set the owner of", source);
  if (has_mode) check(fchmodat(to, name, status.st_mode & 07777, 0), "set the mode of", source);
  struct timespec times[2] = {status.st_atim, status.st_mtim};
  check(utimensat(to, name, times, AT_SYMLINK_NOFOLLOW), "set the times of", source);
}

static void copy_symlink(const directory *at, const entry *e, const char *temporary) {
  const char *name = e->path + at->length + (at->length > 0);
  char target[4097];
  int length = check(readlinkat(at->source, name, target, sizeof target - 1), "read", e->path);
  target[length] = 0;
  check(symlinkat(target, at->destination, temporary), "make", e->path);
  copy_metadata(at->source, at->destination, name, temporary, 0);
  check(renameat(at->destination, temporary, at->destination, name), "rename", e->path);
}

static void *work(void *unused) {
  char *buffer = aligned_alloc(4096, BUFFER);
  directory at = {0};
  for (size_t g; (g = atomic_fetch_add(&next_group, 1)) < group_count;) {
    for (size_t i = groups[g].from; i < groups[g].to; i++) {
      char temporary[64];
      snprintf(temporary, sizeof temporary, ".floor.%zu", i);
      enter(&at, entries[i].path);
      if (entries[i].kind == 'f') copy_file(&at, &entries[i], temporary, buffer);
      else copy_symlink(&at, &entries[i], temporary);
    }
  }
  free(buffer);
  return unused;
}

static char *read_all(const char *path, size_t *size) {
  struct stat status;
  int fd = check(open(path, O_RDONLY | O_CLOEXEC), "open", path);
  check(fstat(fd, &status), "look at", path);
  char *text = malloc(status.st_size + 1);
  for (*size = 0; *size < (size_t)status.st_size;) {
    ssize_t got = check(read(fd, text + *size, status.st_size - *size), "read", path);
    if (got == 0) break;
    *size += got;
  }
  close(fd);
  return text;
}

static void read_list(const char *path) {
  size_t size;
  char *text = read_all(path, &size);
  size_t records = 0;
  for (size_t i = 0; i < size; i++) records += text[i] == 0;
  entries = calloc(records + 1, sizeof *entries);
  for (char *record = text; record < text + size; record += strlen(record) + 1) {
    if (*record == '=') { entries[entry_count - 1].first = record + 1; continue; }
    entry *e = &entries[entry_count++];
    e->kind = *record;
    e->path = record + 1;
    if (e->kind == 'f') { char *slash; e->bytes = strtoll(record + 1, &slash, 10); e->path = slash + 1; }
  }
}

/* Consecutive files and symlinks, until there are many or they are large. */
static void make_groups(void) {
  groups = calloc(entry_count + 1, sizeof *groups);
  long long bytes = 0;
  for (size_t i = 0; i < entry_count; i++) {
    if (entries[i].kind != 'f' && entries[i].kind != 's') continue;
    group *last = group_count ? &groups[group_count - 1] : NULL;
    if (!last || last->to != i || i - last->from >= GROUP_ENTRIES || bytes >= GROUP_BYTES) {
      groups[group_count++] = (group){i, i + 1};
      bytes = 0;
    } else last->to = i + 1;
    bytes += entries[i].bytes;
  }
}

static const char *or_dot(const char *path) { return *path ? path : "."; }

int main(int argc, char **argv) {
  if (argc < 5) { fprintf(stderr, "usage: floor SOURCE DESTINATION LIST THREADS [unnamed]\n"); return 2; }
  unnamed = argc > 5;
  int threads = atoi(argv[4]);
  read_list(argv[3]);
  make_groups();
  source_root = check(open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", argv[1]);
  check(mkdir(argv[2], 0700), "make", argv[2]);
  destination_root = check(open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", argv[2]);
  for (size_t i = 0; i < entry_count; i++)
    if (entries[i].kind == 'd' && *entries[i].path)
      check(mkdirat(destination_root, entries[i].path, 0700), "make", entries[i].path);
  pthread_t *ids = calloc(threads, sizeof *ids);
  for (int i = 0; i < threads; i++)
    if ((errno = pthread_create(&ids[i], NULL, work, NULL))) fail("start", "a thread");
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  for (size_t i = 0; i < entry_count; i++)
    if (entries[i].kind == 'h')
      check(linkat(destination_root, entries[i].first, destination_root, entries[i].path, 0), "link",
            entries[i].path);
  for (size_t i = entry_count; i-- > 0;)
    if (entries[i].kind == 'd')
      copy_metadata(source_root, destination_root, or_dot(entries[i].path), or_dot(entries[i].path), 1);
  return 0;
}
