#include "base/env/hello.h"

#include "base/wire/codec.h"

namespace coterie {

Greeting read_greeting(const FrameReader::Frame& frame) {
  if (frame.header.kind == wire::Kind::hello) {
    return {.hello = wire::decode<wire::Hello>(frame.body)};
  }
  if (frame.header.kind == wire::Kind::error) {
    if (const auto refusal = wire::decode<wire::ErrorReply>(frame.body)) {
      return {.hello = std::unexpected(Error{.code = refusal->code,
                                             .message = std::string(refusal->message),
                                             .retry_after_ms = refusal->retry_after_ms}),
              .is_refusal = true};
    }
  }
  return {.hello = fail(ErrorCode::corrupt, "the first frame is no hello")};
}

}  // namespace coterie
