// Preloaded into a peer: its wall clock is an hour ahead.

#include <dlfcn.h>
#include <ctime>

extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  using Real = int (*)(clockid_t, timespec*);
  static const auto real = reinterpret_cast<Real>(::dlsym(RTLD_NEXT, "clock_gettime"));
  const int outcome = real(id, time);
  if (outcome == 0 && id == CLOCK_REALTIME) time->tv_sec += 3600;
  return outcome;
}
