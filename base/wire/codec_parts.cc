#include "base/wire/codec_parts.h"

namespace coterie::wire {

SiblingsOffset build_siblings(FrameBuilder& frame, const std::vector<SiblingView>& siblings,
                              bool first_is_bulk) {
  if (siblings.empty()) return {};
  std::vector<flatbuffers::Offset<fb::Sibling>> built;
  built.reserve(siblings.size());
  for (const SiblingView& sibling : siblings) {
    const bool is_bulk = first_is_bulk && built.empty();
    const auto value = is_bulk ? frame.bulk() : frame.bytes(sibling.value);
    built.push_back(fb::CreateSibling(*frame, value, sibling.timestamp.value, sibling.expires_ms));
  }
  return (*frame).CreateVector(built);
}

bool says_nothing(const Evidence& evidence) {
  return evidence.answered.empty() && evidence.agreed && evidence.repaired == 0 &&
         evidence.hints == 0;
}

flatbuffers::Offset<fb::Evidence> build_evidence(FrameBuilder& frame, const Evidence& evidence) {
  if (says_nothing(evidence)) return {};
  std::vector<fb::Id128> answered;
  answered.reserve(evidence.answered.size());
  for (const NodeId& node : evidence.answered) answered.push_back(to_fb(node));
  const auto nodes = (*frame).CreateVectorOfStructs(answered);
  return fb::CreateEvidence(*frame, nodes, !evidence.agreed, evidence.repaired, evidence.hints);
}

}  // namespace coterie::wire
