#include "tests/sim/older.h"

#include <cstring>
#include <utility>

namespace coterie::sim {
namespace {

/// Of ReplicaWrite (base/wire/messages.fbs): `is_repair` and all that came after it.
constexpr std::size_t first_newer_field = 4;

/// Takes fields out of a body's root table: a FlatBuffers table's vtable holds its own size, the
/// table's, then an offset a field, 0 for one that is absent.
void drop_fields(char* body, std::size_t body_bytes) {
  std::uint32_t root = 0;
  std::memcpy(&root, body, sizeof root);
  if (root + sizeof(std::int32_t) > body_bytes) return;
  std::int32_t to_vtable = 0;
  std::memcpy(&to_vtable, body + root, sizeof to_vtable);
  const std::int64_t vtable = static_cast<std::int64_t>(root) - to_vtable;
  if (vtable < 0 || vtable + 4 > static_cast<std::int64_t>(body_bytes)) return;
  std::uint16_t vtable_bytes = 0;
  std::memcpy(&vtable_bytes, body + vtable, sizeof vtable_bytes);
  if (vtable + vtable_bytes > static_cast<std::int64_t>(body_bytes)) return;
  const std::size_t from = 4 + 2 * first_newer_field;
  if (vtable_bytes > from) std::memset(body + vtable + from, 0, vtable_bytes - from);
}

}  // namespace

bool OlderProtocol::send(ConnectionId connection, Bytes frame) {
  if (is_older_) {
    const auto header = wire::decode_header(frame);
    if (header && header->kind == wire::Kind::replica_write) {
      drop_fields(frame.data() + wire::header_bytes, header->body_bytes);
    }
  }
  return transport_->send(connection, std::move(frame));
}

void OlderProtocol::on_frame(ConnectionId connection, const wire::FrameHeader& header,
                             BytesView body) {
  if (!is_older_ || header.kind != wire::Kind::replica_write) {
    return handler_.on_frame(connection, header, body);
  }
  // On the heap, as a string of this length is, so that it stays aligned.
  Bytes older(body);
  drop_fields(older.data(), older.size());
  handler_.on_frame(connection, header, older);
}

}  // namespace coterie::sim
