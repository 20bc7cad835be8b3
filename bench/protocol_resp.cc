#include <hiredis.h>

#include <array>
#include <cstddef>

#include "bench/protocol.h"

namespace coterie::bench {
namespace {

using namespace std::string_view_literals;

template <std::size_t count>
void say(const std::array<std::string_view, count>& words, std::string& out) {
  std::array<const char*, count> texts{};
  std::array<std::size_t, count> sizes{};
  for (std::size_t i = 0; i < count; ++i) {
    texts[i] = words[i].data();
    sizes[i] = words[i].size();
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, count, texts.data(), sizes.data());
  if (size > 0) out.append(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
}

class RespProtocol final : public Protocol {
 public:
  void read(std::string_view key, std::string& out) override { say(std::array{"GET"sv, key}, out); }

  void write(std::string_view key, std::string_view value, std::string& out) override {
    say(std::array{"SET"sv, key, value}, out);
  }

  void feed(std::string_view bytes) override {
    redisReaderFeed(reader_.get(), bytes.data(), bytes.size());
  }

  [[nodiscard]] Result<std::optional<Answer>> next() override {
    void* raw = nullptr;
    if (redisReaderGetReply(reader_.get(), &raw) != REDIS_OK) {
      return fail(ErrorCode::corrupt, std::string("no answer of Redis: ") + reader_->errstr);
    }
    if (raw == nullptr) return std::nullopt;
    const std::unique_ptr<redisReply, void (*)(redisReply*)> reply(
        static_cast<redisReply*>(raw), [](redisReply* each) { freeReplyObject(each); });
    Answer answer{.is_missing = reply->type == REDIS_REPLY_NIL, .refusal = {}};
    if (reply->type == REDIS_REPLY_ERROR) answer.refusal.emplace(reply->str, reply->len);
    return answer;
  }

 private:
  std::unique_ptr<redisReader, void (*)(redisReader*)> reader_{redisReaderCreate(),
                                                               redisReaderFree};
};

}  // namespace

std::unique_ptr<Protocol> resp_protocol() {
  return std::make_unique<RespProtocol>();
}

std::uint16_t redis_slot(std::string_view key) {
  // CRC-16/XMODEM; the keys here have no braces, which would name a part of them.
  std::uint16_t crc = 0;
  for (const char byte : key) {
    crc = static_cast<std::uint16_t>(crc ^ (static_cast<unsigned char>(byte) << 8));
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<std::uint16_t>((crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1);
    }
  }
  return crc % 16384;
}

}  // namespace coterie::bench
