// Preloaded into a process whose power is to be cut: it notes, for the files below POWER_CUT_DIR, what a disk would have
// kept, and fails calls on them where it is told to. power-cut.ts plays the notes back.
//
// A file's length counts when fsync or fdatasync of it has returned; what was written behind it may be lost. Creating,
// renaming and removing in a directory are kept in order, up to the creation of a file that was synced since, or up to the
// last fsync of the directory: that is how journalling file systems do it. What is removed or renamed over is kept aside
// by a hard link.
//
// Not noted and never failing: LOG, LOG.old and LOCK, which hold no data.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#undef fwrite_unlocked
#undef fflush_unlocked

#define FDS_MAX 4096
#define EXPORT __attribute__((visibility("default")))

// Shared with power-cut.ts, which knows these places.
struct orders {
  _Atomic int64_t calls;    // calls so far that could have failed
  _Atomic int64_t from;     // the first that fails
  _Atomic int64_t count;    // and how many in a row
  _Atomic int64_t error;    // errno
  _Atomic int64_t kinds;    // which: WRITES, SYNCS, OPENS
  _Atomic int64_t failures; // how many have failed
  _Atomic int64_t kill_at;  // the call before which the process is killed; 0 for none
};
enum { WRITES = 1, SYNCS = 2, OPENS = 4 };

static char directory[PATH_MAX];
static size_t directory_length;
static char graves[PATH_MAX];
static int notes = -1;
static struct orders *orders;
static _Atomic int next_grave;
static _Atomic char is_tracked[FDS_MAX];

static int (*real_open)(const char *, int, ...);
static FILE *(*real_fopen)(const char *, const char *);
static int (*real_close)(int);
static int (*real_fclose)(FILE *);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static size_t (*real_fwrite_unlocked)(const void *, size_t, size_t, FILE *);
static int (*real_fflush_unlocked)(FILE *);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_rename)(const char *, const char *);
static int (*real_link)(const char *, const char *);
static int (*real_unlink)(const char *);

static void find(void) {
  real_open = dlsym(RTLD_NEXT, "open64");
  real_fopen = dlsym(RTLD_NEXT, "fopen64");
  real_close = dlsym(RTLD_NEXT, "close");
  real_fclose = dlsym(RTLD_NEXT, "fclose");
  real_write = dlsym(RTLD_NEXT, "write");
  real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
  real_fwrite_unlocked = dlsym(RTLD_NEXT, "fwrite_unlocked");
  real_fflush_unlocked = dlsym(RTLD_NEXT, "fflush_unlocked");
  real_fsync = dlsym(RTLD_NEXT, "fsync");
  real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
  real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
  real_rename = dlsym(RTLD_NEXT, "rename");
  real_link = dlsym(RTLD_NEXT, "link");
  real_unlink = dlsym(RTLD_NEXT, "unlink");
}

// Other libraries' constructors may run before this one's.
#define REAL(name) (real_##name ? real_##name : (find(), real_##name))

__attribute__((constructor)) static void start(void) {
  const char *dir = getenv("POWER_CUT_DIR"), *file = getenv("POWER_CUT_NOTES");
  const char *kept = getenv("POWER_CUT_GRAVES"), *told = getenv("POWER_CUT_ORDERS");
  if (!dir || !file || !kept || !told) return;
  snprintf(directory, sizeof directory, "%s/", dir);
  snprintf(graves, sizeof graves, "%s", kept);
  notes = REAL(open)(file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  int fd = REAL(open)(told, O_RDWR | O_CLOEXEC);
  void *map = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof *orders, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) REAL(close)(fd);
  if (notes < 0 || map == MAP_FAILED) {
    fprintf(stderr, "power-cut: cannot open the notes or the orders\n");
    abort();
  }
  orders = map;
  directory_length = strlen(directory);
}

static int is_ours(const char *path) {
  if (directory_length == 0 || strncmp(path, directory, directory_length) != 0) return 0;
  const char *name = strrchr(path, '/') + 1;
  return strncmp(name, "LOG", 3) != 0 && strcmp(name, "LOCK") != 0;
}

static int is_ours_fd(int fd) { return fd >= 0 && fd < FDS_MAX && is_tracked[fd]; }

// One line, written at once: it is in the page cache when the process dies.
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...) {
  char line[2 * PATH_MAX + 64];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  int saved = errno;
  if (REAL(write)(notes, line, (size_t)length) != length) abort();
  errno = saved;
}

static int fails(int kind) {
  int64_t call = atomic_fetch_add(&orders->calls, 1);
  if (orders->kill_at != 0 && call >= orders->kill_at) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  if (call < orders->from || call >= orders->from + orders->count || !(orders->kinds & kind)) return 0;
  orders->failures++;
  errno = (int)orders->error;
  return 1;
}

static void opened(int fd, const char *path, int existed, int truncates) {
  if (fd < 0 || fd >= FDS_MAX) return;
  struct stat status;
  if (fstat(fd, &status) != 0) return;
  is_tracked[fd] = 1;
  if (!existed) note("create\t%lu\t%s\n", (unsigned long)status.st_ino, path);
  else if (truncates) note("truncate\t%lu\t0\n", (unsigned long)status.st_ino);
}

static int open_ours(const char *path, int flags, mode_t mode) {
  if (!is_ours(path)) return REAL(open)(path, flags, mode);
  if ((flags & (O_CREAT | O_TRUNC)) && fails(OPENS)) return -1;
  int existed = access(path, F_OK) == 0;
  int fd = REAL(open)(path, flags, mode);
  opened(fd, path, existed, flags & O_TRUNC);
  return fd;
}

EXPORT int open64(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return open_ours(path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(args, mode_t) : 0;
  va_end(args);
  return open_ours(path, flags, mode);
}

EXPORT FILE *fopen64(const char *path, const char *mode) {
  if (!is_ours(path)) return REAL(fopen)(path, mode);
  if (mode[0] != 'r' && fails(OPENS)) return NULL;
  int existed = access(path, F_OK) == 0;
  FILE *file = REAL(fopen)(path, mode);
  if (file) opened(fileno(file), path, existed, mode[0] == 'w');
  return file;
}

EXPORT FILE *fopen(const char *path, const char *mode) { return fopen64(path, mode); }

EXPORT int close(int fd) {
  if (is_ours_fd(fd)) is_tracked[fd] = 0;
  return REAL(close)(fd);
}

EXPORT int fclose(FILE *file) {
  int fd = fileno(file);
  if (is_ours_fd(fd)) is_tracked[fd] = 0;
  return REAL(fclose)(file);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t count) {
  if (is_ours_fd(fd) && fails(WRITES)) return -1;
  return REAL(write)(fd, bytes, count);
}

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t offset) {
  if (is_ours_fd(fd) && fails(WRITES)) return -1;
  return REAL(pwrite)(fd, bytes, count, offset);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) {
  return pwrite64(fd, bytes, count, offset);
}

// As glibc leaves a stream whose write(2) failed: some of it is in the file, the rest of the buffer is dropped.
static void drop_half(FILE *file) {
  int saved = errno;
  size_t pending = (size_t)(file->_IO_write_ptr - file->_IO_write_base);
  if (pending > 1 && REAL(write)(fileno(file), file->_IO_write_base, pending / 2) < 0) pending = 0;
  __fpurge(file);
  errno = saved;
}

EXPORT size_t fwrite_unlocked(const void *bytes, size_t size, size_t count, FILE *file) {
  if (!is_ours_fd(fileno(file)) || !fails(WRITES)) return REAL(fwrite_unlocked)(bytes, size, count, file);
  int saved = errno;
  size_t written = size == 1 ? REAL(fwrite_unlocked)(bytes, 1, count / 2, file) : 0;
  errno = saved;
  drop_half(file);
  return written;
}

EXPORT int fflush_unlocked(FILE *file) {
  if (file && is_ours_fd(fileno(file)) && __fpending(file) > 0 && fails(WRITES)) {
    drop_half(file);
    return EOF;
  }
  return REAL(fflush_unlocked)(file);
}

static int synced(int fd, int (*real)(int)) {
  if (!is_ours_fd(fd)) return real(fd);
  struct stat status;
  if (fstat(fd, &status) != 0) return real(fd);
  unsigned long id = (unsigned long)status.st_ino, length = (unsigned long)status.st_size;
  if (fails(SYNCS)) {
    // The pages count as clean now, and no later sync will write them.
    note("spoil\t%lu\t%lu\n", id, length);
    return -1;
  }
  if (real(fd) != 0) return -1;
  if (S_ISDIR(status.st_mode)) note("directory\t%lu\n", id);
  else note("sync\t%lu\t%lu\n", id, length);
  return 0;
}

EXPORT int fsync(int fd) { return synced(fd, REAL(fsync)); }
EXPORT int fdatasync(int fd) { return synced(fd, REAL(fdatasync)); }

EXPORT int ftruncate64(int fd, off_t length) {
  int result = REAL(ftruncate)(fd, length);
  struct stat status;
  if (result == 0 && is_ours_fd(fd) && fstat(fd, &status) == 0)
    note("truncate\t%lu\t%lu\n", (unsigned long)status.st_ino, (unsigned long)length);
  return result;
}

EXPORT int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

// Keeps the file at `path` aside under a name that is given back; empty where there is none.
static void bury(const char *path, char *grave, size_t size) {
  char target[2 * PATH_MAX];
  int saved = errno;
  snprintf(grave, size, "%d", atomic_fetch_add(&next_grave, 1));
  snprintf(target, sizeof target, "%s/%s", graves, grave);
  if (REAL(link)(path, target) != 0) grave[0] = 0;
  errno = saved;
}

EXPORT int rename(const char *from, const char *to) {
  if (!is_ours(from) || !is_ours(to)) return REAL(rename)(from, to);
  if (fails(OPENS)) return -1;
  char grave[16];
  bury(to, grave, sizeof grave);
  int result = REAL(rename)(from, to);
  if (result == 0) note("rename\t%s\t%s\t%s\n", from, to, grave);
  return result;
}

EXPORT int link(const char *from, const char *to) {
  int result = REAL(link)(from, to);
  if (result == 0 && is_ours(to)) note("link\t%s\n", to);
  return result;
}

EXPORT int unlink(const char *path) {
  if (!is_ours(path)) return REAL(unlink)(path);
  char grave[16];
  bury(path, grave, sizeof grave);
  int result = REAL(unlink)(path);
  if (result == 0) note("unlink\t%s\t%s\n", path, grave);
  return result;
}
