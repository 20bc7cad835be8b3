#include "node/ring_view.h"

#include <algorithm>

#include "base/codec.h"
#include "base/limits.h"

namespace coterie {
namespace {

constexpr std::uint8_t meta_format = 1;

void write_address(ByteWriter& writer, const Address& address) {
  writer.sized(address.host);
  writer.u16(address.port);
}

Address read_address(ByteReader& reader) {
  Address out;
  out.host = reader.sized();
  out.port = reader.u16();
  return out;
}

}  // namespace

Bytes encode_meta(const MemberMeta& meta) {
  Bytes out;
  ByteWriter writer(out);
  writer.u8(meta_format);
  write_address(writer, meta.client);
  write_address(writer, meta.peer);
  write_address(writer, meta.admin);
  writer.u16(meta.shards);
  writer.u64(meta.run.value);
  writer.sized(meta.zone);
  writer.varint(meta.weight);
  writer.sized(meta.build);
  return out;
}

Result<MemberMeta> decode_meta(BytesView bytes) {
  ByteReader reader(bytes);
  if (const auto format = reader.u8(); reader.ok() && format != meta_format) {
    return fail(ErrorCode::unsupported_version, "a member's meta is of an unknown format");
  }
  MemberMeta meta;
  meta.client = read_address(reader);
  meta.peer = read_address(reader);
  meta.admin = read_address(reader);
  meta.shards = reader.u16();
  meta.run = RunId{reader.u64()};
  meta.zone = reader.sized();
  meta.weight = static_cast<std::uint32_t>(reader.varint());
  meta.build = reader.sized();
  // Fields that a later build adds stand behind and are passed over.
  if (!reader.ok() || meta.shards == 0 || meta.shards > limits::shards_most) {
    return fail(ErrorCode::corrupt, "a member's meta is malformed");
  }
  return meta;
}

const PeerView* RingView::peer(NodeId node) const {
  const auto found = std::ranges::lower_bound(peers, node, {}, &PeerView::node);
  return found != peers.end() && found->node == node ? &*found : nullptr;
}

}  // namespace coterie
