#include "base/env/posix_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <system_error>

#include "base/check.h"

namespace coterie {

namespace {

std::unexpected<Error> refuse(int number, const std::string& what, const std::string& path) {
  ErrorCode code = ErrorCode::io;
  if (number == ENOENT) code = ErrorCode::not_found;
  if (number == ENOSPC || number == EDQUOT || number == EROFS) code = ErrorCode::read_only;
  return fail(code,
              "cannot " + what + " '" + path + "': " + std::generic_category().message(number));
}

/// Calls again as long as a signal interrupts.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class PosixFile final : public File {
 public:
  PosixFile(std::string path, FileDescriptor fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const override {
    Bytes bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(fd_.get(), bytes.data() + have, size - have,
                       static_cast<off_t>(offset + have));
      });
      if (got < 0) return refuse(errno, "read", path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  [[nodiscard]] Result<void> write_at(std::uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t put = uninterrupted([&] {
        return ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      });
      if (put < 0) return refuse(errno, "write", path_);
      if (put == 0) return refuse(ENOSPC, "write", path_);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  [[nodiscard]] Result<void> sync() override {
    // Never again after a failure: the kernel may have dropped the dirty pages with it.
    if (uninterrupted([&] { return ::fdatasync(fd_.get()); }) < 0) {
      return refuse(errno, "sync", path_);
    }
    return {};
  }

  [[nodiscard]] Result<void> preallocate(std::uint64_t size) override {
    if (uninterrupted([&] { return ::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)); }) ==
        0) {
      return {};
    }
    if (errno != EOPNOTSUPP && errno != ENOSYS) return refuse(errno, "reserve space for", path_);
    const auto from = this->size();
    if (!from) return std::unexpected(from.error());
    // What a file system that cannot reserve has: zeros written to the end.
    const Bytes zeros(std::size_t{1} << 20, '\0');
    for (std::uint64_t at = *from; at < size; at += zeros.size()) {
      const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), size - at));
      if (auto written = write_at(at, BytesView(zeros).substr(0, count)); !written) return written;
    }
    return {};
  }

  [[nodiscard]] Result<std::uint64_t> size() const override {
    struct stat status {};
    if (::fstat(fd_.get(), &status) < 0) return refuse(errno, "look at", path_);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  std::string path_;
  FileDescriptor fd_;
};

/// Our own code names the paths; none leaves the root.
void check_relative(const std::string& path) {
  check(!path.starts_with('/') && ("/" + path + "/").find("/../") == std::string::npos,
        "paths stay below the file system's root");
}

/// "" is the root itself.
const char* below_root(const std::string& path) {
  return path.empty() ? "." : path.c_str();
}

FileDescriptor open_at(int directory, const char* path, int flags) {
  return FileDescriptor(
      uninterrupted([&] { return ::openat(directory, path, flags | O_CLOEXEC, 0640); }));
}

}  // namespace

PosixFileSystem::PosixFileSystem(std::string root, FileDescriptor directory)
    : root_(std::move(root)), directory_(std::move(directory)) {}

Result<std::unique_ptr<PosixFileSystem>> PosixFileSystem::open(const std::string& root) {
  if (::mkdir(root.c_str(), 0750) < 0 && errno != EEXIST) {
    return refuse(errno, "make the directory", root);
  }
  FileDescriptor directory = open_at(AT_FDCWD, root.c_str(), O_RDONLY | O_DIRECTORY);
  if (!directory.is_open()) return refuse(errno, "open the directory", root);
  return std::unique_ptr<PosixFileSystem>(new PosixFileSystem(root, std::move(directory)));
}

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, Mode mode) {
  check_relative(path);
  int flags = O_RDONLY;
  if (mode == Mode::read_write) flags = O_RDWR;
  if (mode == Mode::create) flags = O_RDWR | O_CREAT;
  FileDescriptor fd = open_at(directory_.get(), path.c_str(), flags);
  if (!fd.is_open()) return refuse(errno, "open", root_ + "/" + path);
  return std::make_unique<PosixFile>(root_ + "/" + path, std::move(fd));
}

Result<void> PosixFileSystem::make_directory(const std::string& path) {
  check_relative(path);
  if (::mkdirat(directory_.get(), path.c_str(), 0750) == 0) return {};
  const int number = errno;
  struct stat status {};
  if (number == EEXIST && ::fstatat(directory_.get(), path.c_str(), &status, 0) == 0 &&
      S_ISDIR(status.st_mode)) {
    return {};
  }
  return refuse(number, "make the directory", root_ + "/" + path);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) const {
  check_relative(directory);
  FileDescriptor fd = open_at(directory_.get(), below_root(directory), O_RDONLY | O_DIRECTORY);
  if (!fd.is_open()) return refuse(errno, "list", root_ + "/" + directory);
  const auto close = [](DIR* stream) { ::closedir(stream); };
  const std::unique_ptr<DIR, decltype(close)> stream(::fdopendir(fd.get()), close);
  if (stream == nullptr) return refuse(errno, "list", root_ + "/" + directory);
  static_cast<void>(fd.release());
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
    errno = 0;
  }
  if (errno != 0) return refuse(errno, "list", root_ + "/" + directory);
  std::ranges::sort(names);
  return names;
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  check_relative(path);
  if (::unlinkat(directory_.get(), path.c_str(), 0) == 0) return {};
  if (errno == EISDIR && ::unlinkat(directory_.get(), path.c_str(), AT_REMOVEDIR) == 0) return {};
  return refuse(errno, "remove", root_ + "/" + path);
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  check_relative(from);
  check_relative(to);
  if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == 0) return {};
  return refuse(errno, "rename to '" + to + "'", root_ + "/" + from);
}

Result<void> PosixFileSystem::sync_directory(const std::string& path) {
  check_relative(path);
  FileDescriptor fd = open_at(directory_.get(), below_root(path), O_RDONLY | O_DIRECTORY);
  if (!fd.is_open() || uninterrupted([&] { return ::fsync(fd.get()); }) < 0) {
    return refuse(errno, "sync the directory", root_ + "/" + path);
  }
  return {};
}

Result<std::uint64_t> PosixFileSystem::free_bytes() const {
  struct statvfs status {};
  if (uninterrupted([&] { return ::fstatvfs(directory_.get(), &status); }) < 0) {
    return refuse(errno, "ask the free space of", root_);
  }
  return std::uint64_t{status.f_bavail} * status.f_frsize;
}

namespace {

/// The process that the lock file names, for the words of an error.
std::string holder(int fd) {
  char text[32] = {};
  const ssize_t got = ::pread(fd, text, sizeof text, 0);
  long pid = 0;
  if (got > 0) std::from_chars(text, text + got, pid);
  return pid > 0 ? "process " + std::to_string(pid) + " (as its file LOCK says)"
                 : "another process (its file LOCK does not say which)";
}

}  // namespace

Result<DirectoryLock> DirectoryLock::take(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  FileDescriptor file = open_at(AT_FDCWD, path.c_str(), O_RDWR | O_CREAT);
  if (!file.is_open()) return refuse(errno, "open", path);
  if (uninterrupted([&] { return ::flock(file.get(), LOCK_EX | LOCK_NB); }) < 0) {
    if (errno != EWOULDBLOCK) return refuse(errno, "lock", path);
    return fail(ErrorCode::refused, "the directory '" + directory + "' is in use by " +
                                        holder(file.get()) +
                                        "; stop that process, or give this one another directory");
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) < 0 ||
      uninterrupted([&] { return ::pwrite(file.get(), pid.data(), pid.size(), 0); }) < 0) {
    return refuse(errno, "write", path);
  }
  return DirectoryLock(std::move(file));
}

}  // namespace coterie
