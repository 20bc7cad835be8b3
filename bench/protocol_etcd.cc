#include <strings.h>

#include <charconv>
#include <deque>
#include <system_error>

#include "bench/protocol.h"
#include "bench/received.h"

namespace coterie::bench {
namespace {

void append_base64(std::string_view bytes, std::string& out) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) {
      group <<= 8;
      if (i + j < bytes.size()) group |= static_cast<unsigned char>(bytes[i + j]);
    }
    for (std::size_t j = 0; j < 4; ++j) {
      out += i + j <= bytes.size() ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
  }
}

std::optional<std::size_t> number(std::string_view text, int base) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

/// What the head of an answer says of its body.
struct Head {
  int status = 0;
  bool is_chunked = false;
  std::size_t body_bytes = 0;
};

Result<Head> parse_head(std::string_view head) {
  Head out;
  const auto bad = [] { return fail(ErrorCode::corrupt, "no answer of an HTTP server"); };
  if (!head.starts_with("HTTP/1.1 ")) return bad();
  const auto status = number(head.substr(9), 10);
  if (!status) return bad();
  out.status = static_cast<int>(*status);
  while (const auto line = first_line(head)) {
    constexpr std::string_view length = "content-length: ";
    constexpr std::string_view encoding = "transfer-encoding: chunked";
    const auto starts_with = [&](std::string_view name) {
      return line->size() >= name.size() &&
             ::strncasecmp(line->data(), name.data(), name.size()) == 0;
    };
    if (starts_with(length)) {
      const auto bytes = number(line->substr(length.size()), 10);
      if (!bytes) return bad();
      out.body_bytes = *bytes;
    }
    if (starts_with(encoding)) out.is_chunked = true;
    head.remove_prefix(line->size() + 2);
  }
  return out;
}

struct Body {
  std::string text;
  std::size_t used = 0;  // of what had come
};

/// Nothing: it is not whole.
Result<std::optional<Body>> chunked_body(std::string_view bytes) {
  Body body;
  while (true) {
    const auto line = first_line(bytes.substr(body.used));
    if (!line) return std::nullopt;
    const auto size = number(*line, 16);
    if (!size) return fail(ErrorCode::corrupt, "no part of an answer of an HTTP server");
    const std::size_t begin = body.used + line->size() + 2;
    if (bytes.size() < begin + *size + 2) return std::nullopt;
    body.text += bytes.substr(begin, *size);
    body.used = begin + *size + 2;
    if (*size == 0) return body;
  }
}

class EtcdProtocol final : public Protocol {
 public:
  void read(std::string_view key, std::string& out) override {
    body_ = R"({"key":")";
    append_base64(key, body_);
    body_ += "\"}";
    post("/v3/kv/range", out);
    are_writes_.push_back(false);
  }

  void write(std::string_view key, std::string_view value, std::string& out) override {
    body_ = R"({"key":")";
    append_base64(key, body_);
    body_ += R"(","value":")";
    append_base64(value, body_);
    body_ += "\"}";
    post("/v3/kv/put", out);
    are_writes_.push_back(true);
  }

  void feed(std::string_view bytes) override { received_.add(bytes); }

  [[nodiscard]] Result<std::optional<Answer>> next() override {
    const std::string_view rest = received_.rest();
    const auto blank = rest.find("\r\n\r\n");
    if (blank == std::string_view::npos) return std::nullopt;
    const auto head = parse_head(rest.substr(0, blank + 2));
    if (!head) return std::unexpected(head.error());
    const std::string_view bytes = rest.substr(blank + 4);
    Body body;
    if (head->is_chunked) {
      auto chunks = chunked_body(bytes);
      if (!chunks) return std::unexpected(chunks.error());
      if (!*chunks) return std::nullopt;
      body = std::move(**chunks);
    } else {
      if (bytes.size() < head->body_bytes) return std::nullopt;
      body = {.text = std::string(bytes.substr(0, head->body_bytes)), .used = head->body_bytes};
    }
    received_.use(blank + 4 + body.used);
    if (are_writes_.empty()) return fail(ErrorCode::corrupt, "an answer that was not asked for");
    const bool was_write = are_writes_.front();
    are_writes_.pop_front();
    if (head->status != 200) return Answer{.is_missing = false, .refusal = body.text};
    return Answer{.is_missing = !was_write && !body.text.contains("\"kvs\""), .refusal = {}};
  }

 private:
  void post(std::string_view path, std::string& out) {
    out.append("POST ").append(path);
    out.append(" HTTP/1.1\r\nHost: etcd\r\nContent-Type: application/json\r\nContent-Length: ");
    out.append(std::to_string(body_.size())).append("\r\n\r\n").append(body_);
  }

  std::string body_;
  Received received_;
  std::deque<bool> are_writes_;  // of the requests that wait for their answers
};

}  // namespace

std::unique_ptr<Protocol> etcd_protocol() {
  return std::make_unique<EtcdProtocol>();
}

}  // namespace coterie::bench
