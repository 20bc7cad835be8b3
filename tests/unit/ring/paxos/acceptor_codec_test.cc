#include "ring/paxos/acceptor_codec.h"

#include <doctest/doctest.h>

#include <string>

#include "base/codec.h"
#include "base/hash.h"
#include "ring/epoch_codec.h"
#include "tests/unit/ring/paxos/samples.h"

namespace coterie::acceptor_codec_test {

using namespace coterie::paxos;
using namespace coterie::paxos::samples;

namespace {

std::string hex_of(BytesView bytes) {
  std::string shown;
  for (const char c : bytes) shown += to_hex(static_cast<std::uint8_t>(c)).substr(14);
  return shown;
}

AcceptorState promised() {
  return {.slot = {.lineage = 1, .number = 2},
          .promised = {.round = 3, .proposer = {.high = 0x0102, .low = 4}}};
}

AcceptorState accepted() {
  AcceptorState state = promised();
  state.accepted = {.round = 2, .proposer = {.high = 1, .low = 5}};
  state.value = next(1);
  return state;
}

Bytes sealed(Bytes body) {
  body.resize(body.size() - 8);
  ByteWriter(body).u64(hash64(body));
  return body;
}

}  // namespace

// clang-format off
TEST_CASE("a voter's golden bytes") {
  const std::string head = "0100" "01000000" "0200000000000000"
                           "0300000000000000" "0201000000000000" "0400000000000000";
  const std::string none(48, '0');
  const Bytes bytes = encode_acceptor(promised());
  CHECK(hex_of(bytes).substr(0, bytes.size() * 2 - 16) == head + none + "00");
  const Bytes epoch = encode_epoch(*next(1));
  CHECK(hex_of(encode_acceptor(accepted())).find(hex_of(epoch)) ==
        head.size() + none.size() + 2 * (epoch.size() < 128 ? 1 : 2));
}

// clang-format on

TEST_CASE("a voter's state comes back as it was") {
  for (const AcceptorState& state : {AcceptorState{}, promised(), accepted()}) {
    const auto back = decode_acceptor(encode_acceptor(state));
    REQUIRE(back);
    CHECK(back->slot == state.slot);
    CHECK(back->promised == state.promised);
    CHECK(back->accepted == state.accepted);
    CHECK((back->value == nullptr) == (state.value == nullptr));
    if (state.value != nullptr) CHECK(*back->value == *state.value);
  }
}

TEST_CASE("a voter's damaged bytes are refused") {
  const Bytes good = encode_acceptor(accepted());
  for (std::size_t size = 0; size < good.size(); ++size) {
    CHECK_FALSE(decode_acceptor(BytesView(good).substr(0, size)));
  }
  for (std::size_t place = 0; place < good.size(); ++place) {
    Bytes bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 4);
    CHECK_FALSE(decode_acceptor(bad));
  }
  Bytes newer = good;
  newer[0] = 2;
  CHECK(decode_acceptor(newer).error().code == ErrorCode::unsupported_version);
}

TEST_CASE("a voter's bytes that contradict themselves are refused") {
  AcceptorState state = accepted();
  state.accepted.round = 4;
  CHECK(decode_acceptor(encode_acceptor(state)).error().code == ErrorCode::corrupt);
  state = accepted();
  state.value = nullptr;
  CHECK(decode_acceptor(encode_acceptor(state)).error().code == ErrorCode::corrupt);
  state = accepted();
  state.slot.number = 7;
  CHECK(decode_acceptor(encode_acceptor(state)).error().code == ErrorCode::corrupt);
  CHECK_FALSE(decode_acceptor(sealed(encode_acceptor(promised()) + "more")));
}

}  // namespace coterie::acceptor_codec_test
