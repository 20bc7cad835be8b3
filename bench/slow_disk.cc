// Preloaded into coterie-node, it makes every write to a file take COTERIE_SLOW_MS milliseconds
// more while the file that COTERIE_SLOW_WHILE names is there: a disk that has become slow.

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

namespace {

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

void wait_if_slow(int fd) {
  static const char* const file = std::getenv("COTERIE_SLOW_WHILE");
  static const char* const text = std::getenv("COTERIE_SLOW_MS");
  static const std::chrono::milliseconds pause(text == nullptr ? 0 : std::atoi(text));
  if (file == nullptr || ::access(file, F_OK) != 0 || is_lmdb(fd)) return;
  std::this_thread::sleep_for(pause);
}

}  // namespace

extern "C" {

ssize_t pwrite64(int fd, const void* bytes, size_t size, off_t offset) {
  static const auto real_pwrite = real<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite64");
  wait_if_slow(fd);
  return real_pwrite(fd, bytes, size, offset);
}

}  // extern "C"
