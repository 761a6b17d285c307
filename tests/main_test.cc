// The entry of every module's test binary.
#define BOOST_TEST_MODULE canopy
#include <boost/test/unit_test.hpp>
