#include "bench/workload.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "base/limits.h"

namespace coterie::bench {
namespace {

constexpr std::size_t noise_bytes = 1U << 16;

std::optional<std::size_t> parse_size(std::string_view text) {
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return size;
}

}  // namespace

std::string_view name(Kind kind) {
  constexpr std::array<std::string_view, kinds> names{"read", "update", "insert",
                                                      "read_modify_write", "resolve"};
  return names[static_cast<std::size_t>(kind)];
}

std::string_view name(Keys keys) {
  constexpr std::array<std::string_view, 3> names{"uniform", "zipfian", "latest"};
  return names[static_cast<std::size_t>(keys)];
}

std::optional<Keys> keys_named(std::string_view text) {
  for (const Keys keys : {Keys::uniform, Keys::zipfian, Keys::latest}) {
    if (text == name(keys)) return keys;
  }
  return std::nullopt;
}

Result<Mix> ycsb(std::string_view letter) {
  const int upper = letter.size() == 1 ? std::toupper(static_cast<unsigned char>(letter[0])) : 0;
  switch (upper) {
    case 'A':
      return Mix{.read = 0.5, .update = 0.5, .keys = Keys::zipfian};
    case 'B':
      return Mix{.read = 0.95, .update = 0.05, .keys = Keys::zipfian};
    case 'C':
      return Mix{.read = 1, .keys = Keys::zipfian};
    case 'D':
      return Mix{.read = 0.95, .insert = 0.05, .keys = Keys::latest};
    case 'F':
      return Mix{.read = 0.5, .read_modify_write = 0.5, .keys = Keys::zipfian};
    default:
      return fail(ErrorCode::invalid_argument,
                  "there is no workload \"" + std::string(letter) +
                      "\" here; there are a, b, c, d and f (e scans and is not offered)");
  }
}

Result<ValueSizes> parse_value_sizes(std::string_view text) {
  const auto dash = text.find('-');
  const auto least = parse_size(text.substr(0, dash));
  const auto most = dash == std::string_view::npos ? least : parse_size(text.substr(dash + 1));
  if (!least || !most) {
    return fail(ErrorCode::invalid_argument,
                "\"" + std::string(text) + "\" is no size of values; write 100 or 100-1000");
  }
  if (*least > *most || *most > limits::value_bytes_most) {
    return fail(ErrorCode::invalid_argument,
                "sizes of values go from the least to the most, at most " +
                    std::to_string(limits::value_bytes_most) + " bytes");
  }
  return ValueSizes{.least = *least, .most = *most};
}

Workload::Workload(const Mix& mix, const ValueSizes& sizes, KeySpace& space, Random random)
    : mix_(mix), sizes_(sizes), space_(space), random_(random), zipfian_(space.loaded()) {
  if (mix_.keys == Keys::latest) ages_.emplace(space_.loaded());
  noise_.resize(std::max(noise_bytes, 2 * sizes_.most));
  for (char& byte : noise_) byte = static_cast<char>('!' + random_.below(94));
}

Operation Workload::next() {
  const Kind kind = next_kind();
  return {.kind = kind, .record = kind == Kind::insert ? space_.insert() : next_record()};
}

Bytes Workload::next_value() {
  const std::size_t size = sizes_.least + random_.below(sizes_.most - sizes_.least + 1);
  return noise_.substr(random_.below(noise_.size() - size + 1), size);
}

Kind Workload::next_kind() {
  double unit = random_.unit();
  if ((unit -= mix_.read) < 0) return Kind::read;
  if ((unit -= mix_.update) < 0) return Kind::update;
  if ((unit -= mix_.insert) < 0) return Kind::insert;
  if (mix_.read_modify_write > 0) return Kind::read_modify_write;
  // Shares that add up to a little less than 1 in floating point.
  return mix_.read > 0 ? Kind::read : Kind::update;
}

std::uint64_t Workload::next_record() {
  const std::uint64_t readable = space_.readable();
  switch (mix_.keys) {
    case Keys::zipfian:
      return zipfian_.next(random_);
    case Keys::latest:
      ages_->grow(readable);
      return readable - 1 - ages_->next(random_);
    case Keys::uniform:
      break;
  }
  return random_.below(readable);
}

}  // namespace coterie::bench
