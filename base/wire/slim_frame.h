#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "base/wire/frame_builder.h"

namespace coterie::wire {

/// FrameBuilder for the messages of every get and put: byte for byte what FlatBufferBuilder makes,
/// over a room on the stack and without its generality. Whoever uses it asks fits() first, and adds
/// a table's fields in the order in which the generated Create functions do. For the codecs only.
class SlimFrame {
 public:
  /// Counted from the end of what is built, as in FlatBufferBuilder; 0 is nothing.
  using Place = std::uint32_t;
  using Field = flatbuffers::voffset_t;

  /// Whether there is room for byte fields of so many bytes together, the bulk not counted.
  [[nodiscard]] static bool fits(std::size_t field_bytes) {
    return field_bytes <= room - tables_bytes;
  }

  SlimFrame() = default;
  explicit SlimFrame(BytesView bulk) : bulk_(bulk) {
    push(static_cast<std::uint32_t>(bulk.size()));
    bulk_place_ = size();
  }

  [[nodiscard]] Place bulk() const { return bulk_place_; }
  Place bytes(BytesView bytes) { return bytes.empty() ? 0 : required(bytes); }
  Place required(BytesView bytes) {
    if (!bytes.empty()) {
      pad(4, bytes.size());
      at_ -= bytes.size();
      std::memcpy(at_, bytes.data(), bytes.size());
    }
    push(static_cast<std::uint32_t>(bytes.size()));
    return size();
  }
  /// A list of this table alone.
  Place list_of(Place table) {
    pad(4, 4);
    push(refer_to(table));
    push(std::uint32_t{1});
    return size();
  }

  void begin_table() {
    table_begin_ = size();
    fields_ = 0;
    vtable_bytes_ = 4;
  }
  template <class T>
  void add(Field field, T value) {
    if (value == T{}) return;
    push(value);
    note(field);
  }
  void add(Field field, bool value) { add(field, static_cast<std::uint8_t>(value)); }
  void add_place(Field field, Place place) {
    if (place == 0) return;
    pad(4, 0);
    push(refer_to(place));
    note(field);
  }
  template <class Struct>
  void add_struct(Field field, const Struct& value) {
    pad(alignof(Struct), 0);
    at_ -= sizeof value;
    std::memcpy(at_, &value, sizeof value);
    note(field);
  }
  Place end_table() {
    push(std::int32_t{0});
    const Place table = size();
    at_ -= vtable_bytes_;
    std::memset(at_, 0, vtable_bytes_);
    char* vtable = at_;
    write(vtable, static_cast<std::uint16_t>(vtable_bytes_));
    write(vtable + 2, static_cast<std::uint16_t>(table - table_begin_));
    for (std::size_t i = 0; i < fields_; ++i) {
      write(vtable + noted_[i].field, static_cast<std::uint16_t>(table - noted_[i].place));
    }
    Place use = size();
    // Tables of one shape share what says it.
    if (last_vtable_ != 0) {
      const char* last = end() - last_vtable_;
      std::uint16_t last_bytes = 0;
      std::memcpy(&last_bytes, last, sizeof last_bytes);
      if (last_bytes == vtable_bytes_ && std::memcmp(last, vtable, vtable_bytes_) == 0) {
        use = last_vtable_;
        at_ += vtable_bytes_;
      }
    }
    last_vtable_ = use;
    write(end() - table, static_cast<std::int32_t>(use) - static_cast<std::int32_t>(table));
    return table;
  }

  Bytes finish(Kind kind, const Envelope& envelope, Place root) {
    pad(8, 4);
    push(refer_to(root));
    return seal_frame(kind, envelope, {at_, size()}, bulk_);
  }

 private:
  static constexpr std::size_t room = 1024;
  /// More than the fields, vtables and padding of any of these messages take.
  static constexpr std::size_t tables_bytes = 384;
  static constexpr std::size_t fields_most = 16;

  struct Noted {
    Field field = 0;
    Place place = 0;
  };

  [[nodiscard]] char* end() { return room_.data() + room; }
  [[nodiscard]] Place size() { return static_cast<Place>(end() - at_); }
  /// So that, `more` bytes on, what is built is a multiple of `alignment` long.
  void pad(std::size_t alignment, std::size_t more) {
    const std::size_t padding = (~(size() + more) + 1) & (alignment - 1);
    at_ -= padding;
    std::memset(at_, 0, padding);
  }
  template <class T>
  static void write(char* at, T value) {
    std::memcpy(at, &value, sizeof value);
  }
  template <class T>
  void push(T value) {
    pad(sizeof value, 0);
    at_ -= sizeof value;
    write(at_, value);
  }
  /// To be called when a number of 4 bytes is pushed next, at its alignment.
  [[nodiscard]] std::uint32_t refer_to(Place place) {
    pad(4, 0);
    return size() - place + 4;
  }
  void note(Field field) {
    check(fields_ < fields_most, "a table on the hot path has few fields");
    noted_[fields_++] = {.field = field, .place = size()};
    const std::size_t with_it = field + sizeof(Field);
    if (with_it > vtable_bytes_) vtable_bytes_ = with_it;
  }

  alignas(8) std::array<char, room> room_;
  char* at_ = end();
  BytesView bulk_;
  Place bulk_place_ = 0;
  Place table_begin_ = 0;
  Place last_vtable_ = 0;
  std::size_t vtable_bytes_ = 0;
  std::size_t fields_ = 0;
  std::array<Noted, fields_most> noted_;
};

}  // namespace coterie::wire
