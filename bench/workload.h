#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "base/random.h"
#include "bench/key_space.h"
#include "bench/zipfian.h"

namespace coterie::bench {

enum class Kind : std::uint8_t {
  read,
  update,             // a put of a key that was written before
  insert,             // a put of a new key
  read_modify_write,  // a get, and a put with the context read; one operation
  resolve,            // a get that follows a put which met concurrent ones
};
inline constexpr std::size_t kinds = 5;
[[nodiscard]] std::string_view name(Kind kind);

/// Which record an operation is about.
enum class Keys : std::uint8_t {
  uniform,
  zipfian,  // YCSB's scrambled zipfian
  latest,   // zipfian, the last inserted first
};
[[nodiscard]] std::string_view name(Keys keys);
[[nodiscard]] std::optional<Keys> keys_named(std::string_view name);

/// What is done; the shares add up to 1.
struct Mix {
  double read = 0;
  double update = 0;
  double insert = 0;
  double read_modify_write = 0;
  Keys keys = Keys::uniform;
};

/// YCSB's core workloads A, B, C, D and F (Cooper et al., SoCC 2010), in either case. E scans and
/// is not here; the error says so.
[[nodiscard]] Result<Mix> ycsb(std::string_view letter);

struct ValueSizes {
  std::size_t least = 100;
  std::size_t most = 100;
};

/// "100" or "100-1000".
[[nodiscard]] Result<ValueSizes> parse_value_sizes(std::string_view text);

struct Operation {
  Kind kind = Kind::read;
  std::uint64_t record = 0;
};

/// Draws operations: the same seed over the same key space gives the same ones.
class Workload {
 public:
  /// `space` outlives this and may be shared between workloads of several threads.
  Workload(const Mix& mix, const ValueSizes& sizes, KeySpace& space, Random random);

  [[nodiscard]] Operation next();
  /// Bytes that do not compress to nothing.
  [[nodiscard]] Bytes next_value();

 private:
  [[nodiscard]] Kind next_kind();
  [[nodiscard]] std::uint64_t next_record();

  Mix mix_;
  ValueSizes sizes_;
  KeySpace& space_;
  Random random_;
  ScrambledZipfian zipfian_;
  std::optional<Zipfian> ages_;  // of latest
  Bytes noise_;
};

}  // namespace coterie::bench
