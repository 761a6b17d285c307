// The entry of every module's test binary.
#define BOOST_TEST_MODULE canopy
#include <boost/test/unit_test.hpp>

#ifdef __SANITIZE_THREAD__
// Poco is not built for the sanitizer, which so misses what orders the counting of references to a
// socket: its last one goes in the accepting thread or in the connection's.
extern "C" const char* __tsan_default_suppressions() {
  return "race:Poco::Net::SocketImpl::close\nrace:^Poco::Net::TCPServer::run\n";
}
#endif
