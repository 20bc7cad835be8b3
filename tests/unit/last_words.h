#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <concepts>
#include <csignal>
#include <cstdlib>
#include <string>

namespace coterie {

/// What a process of its own, that does nothing but `act`, says on stderr when a check() ends it;
/// empty: none did.
template <std::invocable Act>
std::string last_words(const Act& act) {
  int ends[2] = {};
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    ::dup2(ends[1], STDERR_FILENO);
    act();
    std::_Exit(0);
  }
  ::close(ends[1]);
  std::string words;
  char buffer[256];
  for (ssize_t got = 1; got > 0;) {
    got = ::read(ends[0], buffer, sizeof buffer);
    if (got > 0) words.append(buffer, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  const bool has_aborted = child > 0 && ::waitpid(child, &status, 0) == child &&
                           WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return has_aborted ? words : std::string();
}

}  // namespace coterie
