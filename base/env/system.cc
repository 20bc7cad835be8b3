#include "base/env/system.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>

#include "base/check.h"

namespace coterie {

namespace {

std::chrono::nanoseconds read_clock(clockid_t id) {
  timespec time{};
  check(::clock_gettime(id, &time) == 0, "the system has this clock");
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Instant SystemClock::now() const {
  return Instant(read_clock(CLOCK_MONOTONIC));
}

WallTime SystemClock::wall_now() const {
  return WallTime(std::chrono::floor<std::chrono::milliseconds>(read_clock(CLOCK_REALTIME)));
}

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  ssize_t got = -1;
  do {
    got = ::getrandom(&bits, sizeof bits, 0);
  } while (got < 0 && errno == EINTR);
  check(got == sizeof bits, "the kernel gives random bits");
  return bits;
}

std::string boot_id() {
  const int file = ::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::array<char, 64> text{};
  const ssize_t got = ::read(file, text.data(), text.size());
  ::close(file);
  std::string id(text.data(), got > 0 ? static_cast<std::size_t>(got) : 0);
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

unsigned usable_cores() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof set, &set) == 0) {
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
  }
  return static_cast<unsigned>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
}

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const int read = std::fscanf(file, "%lu %lu", &total, &resident);
  std::fclose(file);
  return read == 2 ? std::uint64_t{resident} * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE))
                   : 0;
}

namespace {

sigset_t broken_pipe() {
  sigset_t only;
  sigemptyset(&only);
  sigaddset(&only, SIGPIPE);
  return only;
}

bool is_pending() {
  sigset_t pending;
  sigemptyset(&pending);
  return ::sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

}  // namespace

NoBrokenPipes::NoBrokenPipes() : was_pending_(is_pending()) {
  const sigset_t only = broken_pipe();
  sigset_t before;
  sigemptyset(&before);
  ::pthread_sigmask(SIG_BLOCK, &only, &before);
  was_blocked_ = sigismember(&before, SIGPIPE) == 1;
}

NoBrokenPipes::~NoBrokenPipes() {
  if (was_blocked_) return;
  const sigset_t only = broken_pipe();
  // One of ours must not be delivered now.
  const timespec at_once{};
  if (!was_pending_ && is_pending()) ::sigtimedwait(&only, nullptr, &at_once);
  ::pthread_sigmask(SIG_UNBLOCK, &only, nullptr);
}

}  // namespace coterie
