#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/env/file_descriptor.h"
#include "base/env/system.h"
#include "bench/probe.h"

namespace coterie::bench {

std::unexpected<Error> io(const std::string& what) {
  return fail(ErrorCode::io, what + ": " + std::strerror(errno));
}

namespace {

constexpr std::size_t file_bytes = 16U << 20;  // as a log segment

/// Written through once, so that no allocation is left to do.
Result<void> fill(int file) {
  const std::string zeros(1U << 20, '\0');
  for (std::size_t at = 0; at < file_bytes; at += zeros.size()) {
    if (::pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(zeros.size())) {
      return io("write");
    }
  }
  if (::fsync(file) != 0) return io("fsync");
  return {};
}

}  // namespace

Result<ProbeResult> probe_sync(const SyncOptions& options) {
  std::string path = options.directory + "/coterie-probe-XXXXXX";
  const FileDescriptor file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.is_open()) return io("a file in " + options.directory);
  // It goes when it is closed, however this ends.
  ::unlink(path.c_str());
  if (auto filled = fill(file.get()); !filled) return std::unexpected(filled.error());

  const std::string data(std::clamp<std::size_t>(options.write_bytes, 1, file_bytes), 'p');
  const SystemClock clock;
  const Instant begun = clock.now();
  ProbeResult result;
  std::size_t at = 0;
  for (Instant now = begun; now - begun < options.duration; ++result.operations) {
    if (at + data.size() > file_bytes) at = 0;
    if (::pwrite(file.get(), data.data(), data.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(data.size())) {
      return io("write");
    }
    if (::fdatasync(file.get()) != 0) return io("fdatasync");
    at += data.size();
    const Instant ended = clock.now();
    result.latency.add(ended - now);
    now = ended;
  }
  result.seconds = std::chrono::duration<double>(clock.now() - begun).count();
  return result;
}

}  // namespace coterie::bench
