#pragma once

#include <messages_generated.h>

#include <vector>

#include "base/wire/codec.h"

namespace coterie::wire {

using BytesOffset = flatbuffers::Offset<flatbuffers::Vector<std::uint8_t>>;

/// The frame of a table that was built, and of the bulk that follows it.
[[nodiscard]] Bytes seal_frame(Kind kind, const Envelope& envelope, BytesView built,
                               BytesView bulk);

/// Builds one frame around a FlatBuffers table; for the codecs only. One at a time a thread: they
/// share the thread's FlatBufferBuilder.
class FrameBuilder {
 public:
  FrameBuilder();
  /// `bulk`, the message's large bytes, is not copied through the builder: its length is made the
  /// last word of what is built, and the bytes follow when the frame is put together.
  explicit FrameBuilder(BytesView bulk);

  flatbuffers::FlatBufferBuilder& operator*() { return builder_; }
  /// The vector that `bulk` becomes.
  [[nodiscard]] BytesOffset bulk() const { return bulk_offset_; }
  /// Nothing is written for no bytes.
  BytesOffset bytes(BytesView bytes);
  /// As `bytes`, but a field that must be there is written even if it is empty.
  BytesOffset required(BytesView bytes);

  template <class Table>
  Bytes finish(Kind kind, const Envelope& envelope, flatbuffers::Offset<Table> root) {
    builder_.Finish(root);
    return take(kind, envelope);
  }

 private:
  Bytes take(Kind kind, const Envelope& envelope);

  flatbuffers::FlatBufferBuilder& builder_;
  BytesView bulk_;
  BytesOffset bulk_offset_;
};

template <class Tag>
[[nodiscard]] fb::Id128 to_fb(const Id128<Tag>& id) {
  return {id.high, id.low};
}

[[nodiscard]] inline fb::EpochNumber to_fb(const EpochNumber& epoch) {
  return {epoch.number, epoch.lineage};
}

[[nodiscard]] inline fb::Scope to_fb(const ReplicaScope& scope) {
  return {scope.configuration.value, scope.generation.value, scope.partition.value};
}

}  // namespace coterie::wire
