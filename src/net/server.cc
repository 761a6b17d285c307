#include "canopy/net/server.h"

#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnection.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/Net/TCPServerParams.h>
#include <Poco/ThreadPool.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <limits>
#include <set>

#include "basic_auth.h"
#include "canopy/base/check.h"
#include "canopy/base/clock.h"
#include "canopy/base/log.h"
#include "canopy/base/mutex.h"
#include "canopy/base/workers.h"
#include "http_reader.h"
#include "listen.h"
#include "server_request.h"
#include "server_response.h"

namespace canopy::net {
namespace {

class Server;

// One accepted connection on its thread.
class Connection final : public Poco::Net::TCPServerConnection {
 public:
  Connection(const Poco::Net::StreamSocket& socket, Server& server);
  void run() override;

  // Called under the server's lock.
  bool idle() const { return idle_; }
  void set_idle(bool idle) { idle_ = idle; }
  Wire& wire() { return wire_; }

 private:
  bool ServeOne();
  void Handle(ServerRequest& request, ServerResponse& response);
  void Refuse(const HeadError& error);
  void LingerClose();

  Server& server_;
  Wire wire_;
  HttpReader reader_;
  std::string client_;
  bool idle_ = false;
};

class Factory final : public Poco::Net::TCPServerConnectionFactory {
 public:
  explicit Factory(Server& server) : server_(server) {}
  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& s) override {
    return new Connection(s, server_);
  }

 private:
  Server& server_;
};

class Server final : public HttpServer {
 public:
  Server(HttpServerOptions options, Router router)
      : options_(std::move(options)),
        router_(std::move(router)),
        auth_(options_.basic_auth_users),
        mu_(LockRank::kNet) {
    CANOPY_CHECK(stop_ >= 0);
  }
  ~Server() override {
    Stop(Duration(0));
    ::close(stop_);
  }

  Status Start();
  std::vector<std::string> addresses() const override { return addresses_; }
  void Stop(Duration grace) override;

  const HttpServerOptions& options() const { return options_; }
  const Router& router() const { return router_; }
  BasicAuthenticator& auth() { return auth_; }
  bool stopping() const { return stopping_; }

  void Add(Connection& connection);
  void Remove(Connection& connection);
  // Before it waits for a request. False: the server is stopping.
  bool BecomeIdle(Connection& connection);
  void BecomeBusy(Connection& connection);

 private:
  const HttpServerOptions options_;
  const Router router_;
  BasicAuthenticator auth_;
  std::vector<std::string> addresses_;
  std::vector<Poco::Net::ServerSocket> sockets_;
  std::unique_ptr<Poco::ThreadPool> threads_;
  std::vector<std::unique_ptr<Poco::Net::TCPServer>> servers_;

  const int stop_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);  // readable: accept no more
  std::atomic<bool> stopping_{false};
  Mutex stop_mu_{LockRank::kApi};  // one Stop() at a time
  Mutex mu_;
  CondVar gone_;
  std::set<Connection*> connections_ CANOPY_GUARDED_BY(mu_);
};

Connection::Connection(const Poco::Net::StreamSocket& socket, Server& server)
    : TCPServerConnection(socket),
      server_(server),
      wire_(socket, socket.secure()),
      reader_(wire_, server.options().max_head_bytes, server.options().read_timeout),
      client_(wire_.peer_address()) {}

void Connection::run() {
  SetThreadName("http");
  // A client that goes away is an error of a write, not a signal.
  sigset_t broken_pipe;
  sigemptyset(&broken_pipe);
  sigaddset(&broken_pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr);

  wire_.SetWriteTimeout(server_.options().write_timeout);
  server_.Add(*this);
  while (ServeOne()) {
  }
  server_.Remove(*this);
}

bool Connection::ServeOne() {
  if (!server_.BecomeIdle(*this)) return false;
  const bool there = reader_.WaitForRequest();
  server_.BecomeBusy(*this);
  if (!there) return false;
  RequestHead head;
  HeadError error;
  if (!reader_.ReadHead(head, error)) {
    if (error) Refuse(error);
    return false;
  }
  const int64_t started = SystemClock().MonotonicNanos();
  ServerRequest request(std::move(head), reader_, wire_, client_);
  ServerResponse response(wire_, request.head(), server_.options().response_headers,
                          request.head().keep_alive && !server_.stopping());
  Handle(request, response);
  response.Finish();
  if (server_.options().on_done) {
    RequestDone done;
    done.method = request.method();
    done.route = request.route();
    done.code = response.status();
    done.response_bytes = response.body_bytes();
    done.seconds = static_cast<double>(SystemClock().MonotonicNanos() - started) / 1e9;
    server_.options().on_done(done);
  }
  if (response.keep_alive() && request.SkipBody()) return true;
  if (request.head().has_body()) LingerClose();
  return false;
}

void Connection::Handle(ServerRequest& request, ServerResponse& response) {
  if (!server_.options().basic_auth_users.empty() &&
      !server_.auth().Allow(request.header("Authorization"))) {
    response.SetHeader("WWW-Authenticate", "Basic");
    (void)response.SendError(401, "Unauthorized");
    return;
  }
  try {
    server_.router().Serve(request, response);
  } catch (const std::exception& e) {
    // Out of memory, say: this request fails, not the others.
    LOG_ERROR("HTTP handler failed", {"path", request.path()}, {"err", e.what()});
    if (response.untouched())
      (void)response.SendError(500, "Internal Server Error");
    else
      response.Abort();
  }
}

void Connection::Refuse(const HeadError& error) {
  std::string text = "HTTP/1.1 " + std::to_string(error.status) + " ";
  text.append(ReasonPhrase(error.status));
  text.append("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n");
  text.append(error.text);
  if (wire_.Write(text).ok()) LingerClose();
}

// Closing while the client still sends makes the kernel throw away, at the client, the answer that
// it has not read yet. So our side is closed first, and the client's bytes are read for a moment.
void Connection::LingerClose() {
  constexpr Duration kPatience(500);
  constexpr size_t kMost = size_t{256} << 10;
  wire_.ShutdownWrite();
  char dropped[4096];
  const int64_t until = SystemClock().MonotonicNanos() + kPatience.count() * 1'000'000;
  for (size_t total = 0; total < kMost && SystemClock().MonotonicNanos() < until;) {
    const auto n = wire_.Read(dropped, sizeof dropped, kPatience);
    if (!n.ok() || *n == 0) return;
    total += *n;
  }
}

void Server::Add(Connection& connection) {
  MutexLock lock(mu_);
  connections_.insert(&connection);
}

void Server::Remove(Connection& connection) {
  MutexLock lock(mu_);
  connections_.erase(&connection);
  gone_.NotifyAll();
}

bool Server::BecomeIdle(Connection& connection) {
  MutexLock lock(mu_);
  connection.set_idle(true);
  return !stopping_;
}

void Server::BecomeBusy(Connection& connection) {
  MutexLock lock(mu_);
  connection.set_idle(false);
}

Status Server::Start() {
  if (options_.listen_addresses.empty()) return Status::Invalid("no listen address");
  if (options_.max_connections <= 0) return Status::Invalid("max connections must be positive");
  for (const auto& [name, value] : options_.response_headers)
    if (!ValidHeader(name, value)) return Status::Invalid("invalid response header " + name);
  Poco::Net::Context::Ptr tls;
  if (options_.tls) {
    CANOPY_ASSIGN_OR_RETURN(tls, MakeTlsContext(*options_.tls));
  }
  for (const std::string& address : options_.listen_addresses) {
    CANOPY_ASSIGN_OR_RETURN(Poco::Net::ServerSocket socket, Listen(address, tls, stop_));
    addresses_.push_back(socket.address().toString());
    sockets_.push_back(std::move(socket));
  }
  const auto count = static_cast<int>(sockets_.size());
  constexpr int kIdleSeconds = 60;
  threads_ = std::make_unique<Poco::ThreadPool>(
      "http", 2, options_.max_connections * count + 2 * count, kIdleSeconds);
  for (const Poco::Net::ServerSocket& socket : sockets_) {
    Poco::Net::TCPServerParams::Ptr params = new Poco::Net::TCPServerParams;
    params->setMaxThreads(options_.max_connections);
    // Accepted connections that wait for a thread; the library's default would drop them.
    params->setMaxQueued(std::numeric_limits<int>::max());
    servers_.push_back(
        std::make_unique<Poco::Net::TCPServer>(new Factory(*this), *threads_, socket, params));
    servers_.back()->start();
  }
  return {};
}

void Server::Stop(Duration grace) {
  MutexLock one_at_a_time(stop_mu_);
  {
    MutexLock lock(mu_);
    stopping_ = true;
    // Who waits for a request sees its end; who is serving one ends by itself.
    for (Connection* c : connections_)
      if (c->idle()) c->wire().ShutdownRead();
  }
  const uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  for (auto& server : servers_) server->stop();
  for (Poco::Net::ServerSocket& socket : sockets_) socket.close();
  {
    MutexLock lock(mu_);
    const int64_t until = SystemClock().MonotonicNanos() + grace.count() * 1'000'000;
    for (int64_t now = SystemClock().MonotonicNanos(); !connections_.empty() && now < until;
         now = SystemClock().MonotonicNanos())
      gone_.WaitFor(mu_, Duration((until - now) / 1'000'000 + 1));
    for (Connection* c : connections_) c->wire().ShutdownBoth();
    // Handlers see a client that has gone, and end.
    while (!connections_.empty()) gone_.Wait(mu_);
  }
  servers_.clear();
  sockets_.clear();
  if (threads_) threads_->joinAll();
  threads_.reset();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> StartHttpServer(HttpServerOptions options, Router router) {
  auto server = std::make_unique<Server>(std::move(options), std::move(router));
  try {
    CANOPY_RETURN_IF_ERROR(server->Start());
  } catch (const Poco::Exception& e) {
    return Status::Internal("start of the HTTP server: " + e.displayText());
  }
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace canopy::net
