#pragma once

#include "base/error.h"
#include "base/wire/codec.h"
#include "ring/paxos/messages.h"

namespace coterie {

/// ring/paxos's messages as frames, and back. Errors: as wire::decode and decode_epoch.
[[nodiscard]] Bytes encode_prepare(const paxos::Prepare& message, const wire::Envelope& envelope);
[[nodiscard]] Bytes encode_accept(const paxos::Accept& message, const wire::Envelope& envelope);
[[nodiscard]] Bytes encode_vote(const paxos::Vote& vote, const wire::Envelope& envelope);
[[nodiscard]] Result<paxos::Prepare> decode_prepare(BytesView body);
[[nodiscard]] Result<paxos::Accept> decode_accept(BytesView body);
[[nodiscard]] Result<paxos::Vote> decode_vote(BytesView body);

}  // namespace coterie
