#include "node/control/control.h"

#include <algorithm>
#include <utility>

#include "base/hash.h"
#include "base/siphash.h"
#include "base/wire/codec.h"
#include "ring/epoch_codec.h"

namespace coterie {
namespace {

constexpr auto exchange_timeout = std::chrono::seconds(5);
constexpr auto birth_pause = std::chrono::milliseconds(300);
constexpr auto leave_patience = std::chrono::seconds(1);
constexpr const char* proposal_path = "birth";

std::uint64_t hash_of(const ClusterId& cluster) {
  return cluster.is_zero() ? 0 : hash64(to_hex(cluster));
}

gossip::Gossip::Options gossip_options(const Control::Options& options) {
  const auto& config = options.config;
  const MemberMeta meta{.client = config.doors.client,
                        .peer = config.doors.peer,
                        .admin = config.doors.admin,
                        .shards = options.identity.shards,
                        .run = options.run,
                        .zone = config.node.zone,
                        .weight = config.node.weight,
                        .build = options.build};
  gossip::Gossip::Options out;
  out.id = options.identity.node;
  out.address = config.doors.gossip;
  out.incarnation = options.identity.incarnation;
  out.meta = encode_meta(meta);
  out.cluster.name_hash = hash64(config.cluster.name);
  out.settings = options.gossip;
  return out;
}

std::unique_ptr<gossip::PacketSeal> seal_of(const Config& config) {
  if (config.cluster.gossip_key.empty()) return std::make_unique<gossip::SipSeal>();
  return std::make_unique<gossip::SipSeal>(std::uint8_t{1},
                                           sip_key_from(config.cluster.gossip_key));
}

wire::Liveness liveness_of(gossip::MemberState state) {
  switch (state) {
    case gossip::MemberState::alive:
      return wire::Liveness::alive;
    case gossip::MemberState::suspect:
      return wire::Liveness::suspect;
    case gossip::MemberState::dead:
      return wire::Liveness::dead;
    case gossip::MemberState::left:
      return wire::Liveness::left;
  }
  return wire::Liveness::dead;
}

bool is_reply(wire::Kind kind) {
  switch (kind) {
    case wire::Kind::error:
    case wire::Kind::push_pull_reply:
    case wire::Kind::birth_info_reply:
    case wire::Kind::epoch_reply:
    case wire::Kind::epoch_vote:
    case wire::Kind::change_evidence_reply:
    case wire::Kind::node_facts_reply:
    case wire::Kind::life_mark_reply:
      return true;
    default:
      return false;
  }
}

}  // namespace

Control::Control(Environment environment, Options options, Random random, OnView on_view)
    : env_(std::move(environment)),
      options_(std::move(options)),
      on_view_(std::move(on_view)),
      seal_(seal_of(options_.config)),
      gossip_(env_.clock.now(), gossip_options(options_), *seal_, random.fork()),
      birth_({.self = options_.identity.node, .config = options_.config}, random.fork()),
      epochs_(env_.files),
      staging_(env_.files),
      voting_(options_.identity.node, env_.files, epochs_, env_.log),
      calls_(env_.timers, [this] { return hello(); }),
      random_(random.fork()) {}

Control::~Control() {
  for (const auto timer : {gossip_timer_, birth_timer_, leave_timer_, finish_timer_, drive_timer_,
                           orders_timer_, marks_timer_}) {
    env_.timers.cancel(timer);
  }
}

Result<void> Control::open() {
  if (auto opened = epochs_.open(); !opened) return opened;
  if (auto opened = voting_.open(); !opened) return opened;
  if (auto opened = staging_.open(); !opened) return opened;
  if (auto opened = open_marks(); !opened) return opened;
  if (epochs_.newest() != nullptr) return {};
  const auto proposal = read_file(env_.files, proposal_path);
  if (!proposal) return std::unexpected(proposal.error());
  if (!*proposal) return {};
  auto epoch = decode_epoch(**proposal);
  if (!epoch) return std::unexpected(epoch.error());
  birth_.resume(std::make_shared<const Epoch>(*std::move(epoch)));
  return {};
}

void Control::start(Transport& transport, Datagrams& datagrams) {
  started_ = env_.clock.now();
  transport_ = &transport;
  datagrams_ = &datagrams;
  calls_.attach(transport);
  if (epochs_.newest() != nullptr) {
    begin_comparison(true);
    adopt(epochs_.newest());
    finish_later();
  } else if (recovery_) {
    report_blockers();
  } else if (options_.config.cluster.initial_members.empty()) {
    report_blockers();
  } else {
    further_birth();
  }
  gossip_.join(env_.clock.now(), options_.config.cluster.initial_members, outbox_);
  perform();
}

void Control::leave(std::function<void()> done) {
  keep_marks(true);
  on_left_ = std::move(done);
  gossip_.leave(env_.clock.now(), outbox_);
  perform();
  leave_timer_ = env_.timers.start(leave_patience, [this] {
    if (on_left_) std::exchange(on_left_, nullptr)();
  });
}

wire::Hello Control::hello() const {
  const auto& epoch = epochs_.newest();
  return {.role = wire::Role::control,
          .cluster = epoch == nullptr ? ClusterId{} : epoch->cluster(),
          .node = options_.identity.node,
          .run = options_.run,
          .shards = options_.identity.shards,
          .build = options_.build};
}

Result<void> Control::admits(const wire::Hello& theirs) const {
  const auto& epoch = epochs_.newest();
  const bool is_peer = theirs.role == wire::Role::peer;
  if (epoch == nullptr) {
    if (!is_peer) return {};
    return fail(ErrorCode::unavailable, "this node belongs to no cluster yet; retry");
  }
  // Replicas are exchanged by members only; gossip and birth come before there is a cluster.
  const bool is_foreign = theirs.cluster != epoch->cluster();
  if (is_foreign && (is_peer || !theirs.cluster.is_zero())) {
    return fail(ErrorCode::refused,
                "this node belongs to another cluster; one of the two has a wrong address in its "
                "configuration");
  }
  if (is_peer && epoch->member(theirs.node) == nullptr) {
    return fail(ErrorCode::refused, "the cluster's epoch does not name node " +
                                        to_hex(theirs.node) +
                                        "; only its members may use the peer door");
  }
  return {};
}

// Gossip.

void Control::perform() {
  gossip::Outbox work;
  std::swap(work, outbox_);
  for (const auto& packet : work.packets) datagrams_->send(packet.to, packet.bytes);
  for (const auto& request : work.exchanges) exchange(request);
  for (const auto& event : work.events) on_event(event);
  if (const bool moved = judge_clock(); moved || !work.events.empty()) publish();
  wake_at(work.wake);
  if (on_left_ && gossip_.may_stop()) std::exchange(on_left_, nullptr)();
}

void Control::wake_at(Instant when) {
  env_.timers.cancel(gossip_timer_);
  const Duration after = std::max(Duration{0}, when - env_.clock.now());
  gossip_timer_ = env_.timers.start(after, [this] {
    gossip_.on_timer(env_.clock.now(), outbox_);
    perform();
  });
}

void Control::exchange(const gossip::OutExchange& exchange) {
  const auto make = [&exchange](std::uint64_t id) {
    return wire::encode(wire::PushPull{.state = exchange.request}, wire::Kind::push_pull,
                        {.request_id = id});
  };
  calls_.call(exchange.to, make, exchange_timeout, [this, to = exchange.to](auto reply) {
    const auto body = reply ? wire::decode<wire::PushPull>(reply->body)
                            : Result<wire::PushPull>(std::unexpected(reply.error()));
    if (body) {
      gossip_.on_stream_reply(env_.clock.now(), to, body->state, outbox_);
    } else {
      gossip_.on_stream_failed(env_.clock.now(), to, outbox_);
    }
    perform();
  });
}

void Control::on_datagram(const Address& from, BytesView packet) {
  gossip_.on_packet(env_.clock.now(), env_.clock.wall_now(), from, packet, outbox_);
  perform();
}

void Control::on_event(const gossip::Event& event) {
  const auto& member = event.member;
  const std::string who = short_name(member.id) + " at " + member.address.text();
  switch (event.kind) {
    case gossip::EventKind::joined:
      env_.log.info("gossip", who + " is alive");
      break;
    case gossip::EventKind::updated:
      break;
    case gossip::EventKind::suspect:
      env_.log.info("gossip", who + " is suspected");
      break;
    case gossip::EventKind::dead:
      env_.log.warn("gossip", who + " is dead");
      break;
    case gossip::EventKind::alive_again:
      env_.log.info("gossip", who + " is alive again");
      break;
    case gossip::EventKind::left:
      env_.log.info("gossip", who + " left");
      break;
    case gossip::EventKind::forgotten:
      env_.log.info("gossip", who + " is forgotten");
      break;
    case gossip::EventKind::conflict:
      env_.log.error("gossip", who + " claims this node's address or id; stop one of the two");
      break;
    case gossip::EventKind::epoch_ahead:
      fetch_epoch(member.address);
      break;
    case gossip::EventKind::epoch_differs:
      env_.log.error("gossip", who +
                                   " holds another epoch of the same number; it does not belong "
                                   "to this cluster's history");
      break;
  }
}

std::shared_ptr<const RingView> Control::look() const {
  const auto& epoch = epochs_.newest();
  if (epoch == nullptr) return nullptr;
  auto view = std::make_shared<RingView>();
  view->epoch = epoch;
  view->clock = clock_.bounds();
  for (const auto* member : gossip_.members()) {
    PeerView peer{.node = member->id,
                  .gossip = member->address,
                  .liveness = liveness_of(member->state),
                  .epoch = member->epoch.number};
    if (member->id == options_.identity.node) peer.epoch = epoch->number();
    if (auto meta = decode_meta(member->meta)) peer.meta = *std::move(meta);
    view->peers.push_back(std::move(peer));
  }
  for (const auto& member : epoch->members()) {
    if (gossip_.find(member.id) != nullptr) continue;
    const auto address = Address::parse(member.address);
    view->peers.push_back({.node = member.id, .gossip = address.value_or(Address{})});
  }
  std::ranges::sort(view->peers, {}, &PeerView::node);
  return view;
}

void Control::publish() {
  auto view = look();
  if (view == nullptr) return;
  if (view_ != nullptr && view_->epoch == view->epoch && view_->peers == view->peers &&
      view_->clock == view->clock) {
    return;
  }
  view_ = std::move(view);
  on_view_(view_);
}

// Birth and epochs.

void Control::further_birth() {
  if (epochs_.newest() != nullptr) return;
  report_blockers();
  for (const auto& question : birth_.questions()) ask(question);
  birth_timer_ = env_.timers.start(birth_pause, [this] { further_birth(); });
}

void Control::ask(const Birth::Question& question) {
  const auto to = question.to;
  if (question.ask == Birth::Ask::info) {
    const auto make = [this](std::uint64_t id) {
      return wire::encode(wire::BirthInfo{.configuration_hash = birth_.configuration_hash()},
                          {.request_id = id});
    };
    calls_.call(to, make, birth_pause, [this, to](auto reply) {
      birth_.on_info(to, reply ? wire::decode<wire::BirthInfoReply>(reply->body)
                               : std::unexpected(reply.error()));
      if (const auto proposal = birth_.take_proposal()) {
        if (auto kept = replace_file(env_.files, proposal_path, encode_epoch(*proposal)); kept) {
          birth_.resume(proposal);
        } else {
          env_.log.error("birth", kept.error().message);
        }
      }
    });
    return;
  }
  const auto make = [this](std::uint64_t id) {
    const Bytes epoch = encode_epoch(*birth_.proposal());
    return wire::encode(wire::BirthAccept{.epoch = epoch}, {.request_id = id});
  };
  calls_.call(to, make, exchange_timeout, [this, to](auto reply) {
    if (!reply) {
      birth_.on_refused(to, reply.error().message);
      return;
    }
    birth_.on_accepted(to);
    if (const auto epoch = birth_.decided(); epoch != nullptr && epochs_.newest() == nullptr) {
      adopt(epoch);
    }
  });
}

void Control::adopt(const std::shared_ptr<const Epoch>& epoch) {
  if (auto kept = epochs_.add(epoch); !kept) {
    env_.log.error("epochs", kept.error().message);
    return;
  }
  voting_.on_epoch();
  std::set<NodeId> members;
  for (const Member& member : epochs_.newest()->members()) members.insert(member.id);
  marks_.forget_others(members);
  if (!is_comparing_) begin_comparison(false);
  further_recovery();
  settle_staged();
  const auto& newest = *epochs_.newest();
  env_.log.info("epochs", "epoch " + std::to_string(newest.number().lineage) + "." +
                              std::to_string(newest.number().number) + " of cluster " +
                              to_hex(newest.cluster()));
  gossip_.set_cluster_id(hash_of(newest.cluster()));
  gossip_.set_epoch({.number = newest.number(), .hash = newest.hash()});
  publish();
  on_epoch_of_changes();
  report_blockers();
  if (is_member()) greet_members();
}

void Control::fetch_epoch(const Address& from) {
  if (fetching_) return;
  fetching_ = true;
  const auto make = [this](std::uint64_t id) {
    const auto& epoch = epochs_.newest();
    return wire::encode(
        wire::EpochFetch{.have = epoch == nullptr ? EpochNumber{} : epoch->number()},
        {.request_id = id});
  };
  calls_.call(from, make, exchange_timeout, [this, from](auto reply) {
    fetching_ = false;
    if (!reply) return;
    const auto message = wire::decode<wire::EpochReply>(reply->body);
    if (!message || message->epoch.empty()) return;
    auto epoch = decode_epoch(message->epoch);
    if (!epoch) {
      env_.log.warn("epochs",
                    from.text() + " sent an epoch that is none: " + epoch.error().message);
      return;
    }
    learn(std::make_shared<const Epoch>(*std::move(epoch)));
  });
}

// What others ask on the gossip door.

void Control::on_open(ConnectionId connection, const wire::Hello& theirs) {
  if (auto admitted = admits(theirs); !admitted) {
    env_.log.warn("gossip", short_name(theirs.node) + ": " + admitted.error().message);
    transport_->close(connection);
    calls_.on_closed(connection, admitted.error());
    return;
  }
  calls_.on_open(connection, theirs.node);
}

void Control::on_closed(ConnectionId connection, const Error& why) {
  calls_.on_closed(connection, why);
}

void Control::on_frame(ConnectionId connection, const wire::FrameHeader& header, BytesView body) {
  if (is_reply(header.kind)) {
    calls_.on_frame(connection, header, body);
    return;
  }
  if (header.kind == wire::Kind::node_facts) return serve_node_facts(connection, header, body);
  // A lost answer is asked for again by whoever misses it.
  (void)transport_->send(connection, serve(header, body));
}

Bytes Control::serve(const wire::FrameHeader& header, BytesView body) {
  const wire::Envelope envelope{.request_id = header.request_id};
  Result<Bytes> answer = fail(ErrorCode::invalid_argument, "not a request of the gossip door");
  switch (header.kind) {
    case wire::Kind::push_pull: {
      const auto message = wire::decode<wire::PushPull>(body);
      auto state = message ? gossip_.on_stream_request(env_.clock.now(), message->state, outbox_)
                           : Result<Bytes>(std::unexpected(message.error()));
      perform();
      if (state) {
        answer =
            wire::encode(wire::PushPull{.state = *state}, wire::Kind::push_pull_reply, envelope);
      } else {
        answer = std::unexpected(state.error());
      }
      break;
    }
    case wire::Kind::birth_info:
      answer = wire::encode(birth_.info(is_empty()), envelope);
      break;
    case wire::Kind::birth_accept:
      answer = serve_birth_accept(body, envelope);
      break;
    case wire::Kind::epoch_fetch:
      answer = serve_epoch_fetch(body, envelope);
      break;
    case wire::Kind::epoch_prepare:
    case wire::Kind::epoch_accept:
      answer = serve_vote(header.kind, body, envelope);
      break;
    case wire::Kind::change_evidence:
      answer = serve_change_evidence(body, envelope);
      break;
    case wire::Kind::life_mark:
      answer = serve_life_mark(body, envelope);
      break;
    default:
      break;
  }
  if (answer) return *std::move(answer);
  return wire::encode(
      wire::ErrorReply{.code = answer.error().code, .message = answer.error().message}, envelope);
}

Result<Bytes> Control::serve_birth_accept(BytesView body, const wire::Envelope& envelope) {
  const auto message = wire::decode<wire::BirthAccept>(body);
  if (!message) return std::unexpected(message.error());
  auto epoch = decode_epoch(message->epoch);
  if (!epoch) return std::unexpected(epoch.error());
  const auto& known = epochs_.newest();
  if (known != nullptr && known->cluster() != epoch->cluster()) {
    return fail(ErrorCode::refused, "belongs to another cluster already");
  }
  if (known == nullptr) {
    if (!is_empty()) {
      return fail(ErrorCode::refused,
                  "its data directory holds data but no epoch: restore epochs/ from a backup, or "
                  "empty the directory");
    }
    if (auto admitted = birth_.admits(*epoch); !admitted) {
      return std::unexpected(admitted.error());
    }
    // The proposer adopts it last, when all have kept it, and nobody else proposes.
    const auto& own = birth_.proposal();
    if (birth_.is_proposer() && (own == nullptr || own->cluster() != epoch->cluster())) {
      return fail(ErrorCode::refused, "this node proposes the first epoch, and it is another one");
    }
    if (!birth_.is_proposer()) adopt(std::make_shared<const Epoch>(*std::move(epoch)));
    if (!birth_.is_proposer() && epochs_.newest() == nullptr) {
      return fail(ErrorCode::io, "cannot keep the first epoch; see this node's log");
    }
  }
  return wire::encode(wire::EpochReply{}, envelope);
}

Result<Bytes> Control::serve_epoch_fetch(BytesView body, const wire::Envelope& envelope) {
  const auto message = wire::decode<wire::EpochFetch>(body);
  if (!message) return std::unexpected(message.error());
  const auto& epoch = epochs_.newest();
  if (epoch == nullptr || epoch->number() <= message->have) {
    return wire::encode(wire::EpochReply{}, envelope);
  }
  const Bytes bytes = encode_epoch(*epoch);
  return wire::encode(wire::EpochReply{.epoch = bytes}, envelope);
}

}  // namespace coterie
