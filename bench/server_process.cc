#include "bench/server_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "bench/probe.h"

namespace coterie::bench {
namespace {

using namespace std::chrono_literals;

constexpr auto end_within = 15s;
constexpr auto process_look_every = 20ms;
constexpr std::size_t last_words_bytes = 1500;

/// After fork(): nothing but what is safe in a signal handler.
[[noreturn]] void become(char* const* arguments, int log, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setpgid(0, 0);  // the terminal's Ctrl-C is for the bench, which then ends this
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(log, STDOUT_FILENO);
  ::dup2(log, STDERR_FILENO);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing >= 0) ::dup2(nothing, STDIN_FILENO);
  ::execv(arguments[0], arguments);
  ::_exit(127);
}

bool is_executable(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0 && !std::filesystem::is_directory(path);
}

}  // namespace

Result<TemporaryDirectory> TemporaryDirectory::make(const std::string& below) {
  std::error_code error;
  const std::string parent =
      below.empty() ? std::filesystem::temp_directory_path(error).string() : below;
  std::string path = parent + "/coterie-bench-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return io("a directory in " + parent);
  return TemporaryDirectory(std::move(path));
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const std::vector<std::string>& command,
                                                            const std::string& log) {
  std::vector<char*> arguments;
  // execv does not write to them; its type is older than const.
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return io("the log " + log);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid == 0) become(arguments.data(), out, parent);
  ::close(out);
  if (pid < 0) return io("starting " + command.front());
  return std::unique_ptr<ServerProcess>(new ServerProcess(pid, log));
}

ServerProcess::~ServerProcess() {
  ask_to_end();
  const auto begun = std::chrono::steady_clock::now();
  while (!has_ended()) {
    if (std::chrono::steady_clock::now() - begun > end_within) ::kill(pid_, SIGKILL);
    std::this_thread::sleep_for(process_look_every);
  }
}

bool ServerProcess::has_ended() {
  if (!has_ended_) has_ended_ = ::waitpid(pid_, nullptr, WNOHANG) != 0;
  return has_ended_;
}

void ServerProcess::ask_to_end() {
  if (!has_ended()) ::kill(pid_, SIGTERM);
}

std::string ServerProcess::last_words() const {
  std::ifstream in(log_);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return text.size() > last_words_bytes ? text.substr(text.size() - last_words_bytes) : text;
}

std::optional<std::string> find_program(const std::string& name) {
  if (name.contains('/')) return is_executable(name) ? std::optional(name) : std::nullopt;
  const char* given = std::getenv("PATH");
  // Where Debian puts servers is not always on a user's path.
  std::string path = std::string(given == nullptr ? "" : given) + ":/usr/bin:/usr/sbin:";
  for (std::size_t end = path.find(':'); end != std::string::npos; end = path.find(':')) {
    std::string candidate = path.substr(0, end) + "/" + name;
    if (end > 0 && is_executable(candidate)) return candidate;
    path.erase(0, end + 1);
  }
  return std::nullopt;
}

std::string beside_this_program(const std::string& name) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / name).string();
}

Result<void> wait_until_ready(const std::vector<std::unique_ptr<ServerProcess>>& processes,
                              const std::function<bool()>& is_ready, double seconds) {
  const auto begun = std::chrono::steady_clock::now();
  while (!is_ready()) {
    for (const auto& process : processes) {
      if (process->has_ended()) {
        return fail(ErrorCode::unavailable,
                    "a server ended by itself; its last words:\n" + process->last_words());
      }
    }
    if (std::chrono::steady_clock::now() - begun > std::chrono::duration<double>(seconds)) {
      return fail(ErrorCode::unavailable,
                  "the servers were not ready in time; the last words of the first:\n" +
                      (processes.empty() ? "" : processes.front()->last_words()));
    }
    std::this_thread::sleep_for(process_look_every);
  }
  return {};
}

}  // namespace coterie::bench
