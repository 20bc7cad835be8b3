#include <charconv>

#include "bench/protocol.h"
#include "bench/received.h"

namespace coterie::bench {
namespace {

class MemcacheProtocol final : public Protocol {
 public:
  void read(std::string_view key, std::string& out) override {
    out.append("mg ").append(key).append(" v\r\n");
  }

  void write(std::string_view key, std::string_view value, std::string& out) override {
    out.append("ms ").append(key).append(" ").append(std::to_string(value.size()));
    out.append("\r\n").append(value).append("\r\n");
  }

  void feed(std::string_view bytes) override { received_.add(bytes); }

  [[nodiscard]] Result<std::optional<Answer>> next() override {
    const std::string_view rest = received_.rest();
    const auto line = first_line(rest);
    if (!line) return std::nullopt;
    std::size_t used = line->size() + 2;
    Answer answer;
    if (line->starts_with("VA ")) {
      std::size_t size = 0;
      const char* begin = line->data() + 3;
      if (std::from_chars(begin, line->data() + line->size(), size).ec != std::errc()) {
        return fail(ErrorCode::corrupt, "no answer of memcached: " + std::string(*line));
      }
      used += size + 2;
      if (rest.size() < used) return std::nullopt;
    } else if (line->starts_with("EN")) {
      answer.is_missing = true;
    } else if (!line->starts_with("HD")) {
      answer.refusal = *line;
    }
    received_.use(used);
    return answer;
  }

 private:
  Received received_;
};

}  // namespace

std::unique_ptr<Protocol> memcache_protocol() {
  return std::make_unique<MemcacheProtocol>();
}

}  // namespace coterie::bench
