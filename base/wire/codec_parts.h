#pragma once

#include "base/wire/frame_builder.h"

namespace coterie::wire {

using SiblingsOffset = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fb::Sibling>>>;

/// Parts of the client door's messages; for the codecs only. The first sibling's value is the
/// frame's bulk if `first_is_bulk`.
SiblingsOffset build_siblings(FrameBuilder& frame, const std::vector<SiblingView>& siblings,
                              bool first_is_bulk);
[[nodiscard]] bool says_nothing(const Evidence& evidence);
/// Nothing is written for evidence that says nothing.
flatbuffers::Offset<fb::Evidence> build_evidence(FrameBuilder& frame, const Evidence& evidence);

}  // namespace coterie::wire
