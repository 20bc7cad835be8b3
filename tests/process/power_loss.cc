// Preloaded into coterie-node, it keeps what is written to files in the process's memory until it
// is synced: a SIGKILL, which alone leaves the page cache as it is, then loses what a power loss
// would have lost. LMDB's own files pass through: it syncs before it says so, and reads them by its
// map. Reads see the kept writes, as they would in the page cache. Each process is in a boot of its
// own, by the number that the kernel gives a boot.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct KeptWrite {
  off_t offset;
  std::string bytes;
};

struct OpenFile {
  bool passes_through = false;
  std::vector<KeptWrite> writes;  // in the order they were made
};

std::mutex mutex;
std::map<int, OpenFile>& files() {
  static std::map<int, OpenFile> all;
  return all;
}

template <class Function>
Function real(const char* name) {
  // dlsym gives an object pointer for a function: POSIX promises that the two convert.
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_lmdb(int fd) {
  char path[PATH_MAX];
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t length = readlink(link.c_str(), path, sizeof path);
  const std::string_view target(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  return target.ends_with(".mdb");
}

OpenFile& file_of(int fd) {
  const auto found = files().find(fd);
  if (found != files().end()) return found->second;
  return files().emplace(fd, OpenFile{.passes_through = is_lmdb(fd)}).first->second;
}

using PwriteFunction = ssize_t (*)(int, const void*, size_t, off_t);
using PreadFunction = ssize_t (*)(int, void*, size_t, off_t);
using FdFunction = int (*)(int);

/// Lets the kept writes of a file go to the page cache; the lock is held.
bool write_out(int fd, OpenFile& file) {
  static const auto real_pwrite = real<PwriteFunction>("pwrite64");
  for (const auto& write : file.writes) {
    if (real_pwrite(fd, write.bytes.data(), write.bytes.size(), write.offset) !=
        static_cast<ssize_t>(write.bytes.size())) {
      return false;
    }
  }
  file.writes.clear();
  return true;
}

int sync_with(const char* name, int fd) {
  {
    const std::lock_guard lock(mutex);
    if (!write_out(fd, file_of(fd))) return -1;
  }
  return real<FdFunction>(name)(fd);
}

ssize_t kept_pwrite(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto real_pwrite = real<PwriteFunction>("pwrite64");
  {
    const std::lock_guard lock(mutex);
    OpenFile& file = file_of(fd);
    if (!file.passes_through) {
      file.writes.push_back({offset, std::string(static_cast<const char*>(bytes), size)});
      return static_cast<ssize_t>(size);
    }
  }
  return real_pwrite(fd, bytes, size, offset);
}

/// Lays one kept write over what was read; the number of bytes read that are now valid.
size_t lay_over(const KeptWrite& write, char* bytes, size_t size, size_t valid, off_t offset) {
  const off_t begin = std::max(write.offset, offset);
  const off_t end = std::min(write.offset + static_cast<off_t>(write.bytes.size()),
                             offset + static_cast<off_t>(size));
  if (begin >= end) return valid;
  const auto at = static_cast<size_t>(begin - offset);
  const auto count = static_cast<size_t>(end - begin);
  if (at > valid) std::memset(bytes + valid, 0, at - valid);
  std::memcpy(bytes + at, write.bytes.data() + (begin - write.offset), count);
  return std::max(valid, at + count);
}

ssize_t kept_pread(int fd, void* bytes, size_t size, off_t offset) {
  static const auto real_pread = real<PreadFunction>("pread64");
  const std::lock_guard lock(mutex);
  const ssize_t got = real_pread(fd, bytes, size, offset);
  if (got < 0) return got;
  auto valid = static_cast<size_t>(got);
  for (const auto& write : file_of(fd).writes) {
    valid = lay_over(write, static_cast<char*>(bytes), size, valid, offset);
  }
  return static_cast<ssize_t>(valid);
}

/// A file that says which boot this is, as /proc/sys/kernel/random/boot_id does.
int open_boot_id() {
  const int fd = memfd_create("boot_id", MFD_CLOEXEC);
  const std::string id = "boot-" + std::to_string(getpid()) + "\n";
  if (fd >= 0) (void)!write(fd, id.data(), id.size());
  if (fd >= 0) lseek(fd, 0, SEEK_SET);
  return fd;
}

}  // namespace

extern "C" {

int open64(const char* path, int flags, ...) {
  if (std::string_view(path) == "/proc/sys/kernel/random/boot_id") return open_boot_id();
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return real<int (*)(const char*, int, ...)>("open64")(path, flags, mode);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t offset) {
  return kept_pwrite(fd, bytes, size, offset);
}

ssize_t pread64(int fd, void* bytes, size_t size, off_t offset) {
  return kept_pread(fd, bytes, size, offset);
}

int fdatasync(int fd) {
  return sync_with("fdatasync", fd);
}

int fsync(int fd) {
  return sync_with("fsync", fd);
}

// A file that is closed unsynced is let through: nothing here relies on such a file.
int close(int fd) {
  {
    const std::lock_guard lock(mutex);
    const auto found = files().find(fd);
    if (found != files().end()) {
      (void)write_out(fd, found->second);
      files().erase(found);
    }
  }
  return real<FdFunction>("close")(fd);
}

}  // extern "C"
