/* fake_cloud: all operations on the account of fake_state.h. */
#ifndef TESTS_UNIT_REGISTER_FAKE_CLOUD_H
#define TESTS_UNIT_REGISTER_FAKE_CLOUD_H

#include "tests/unit/register/fake_certificates.h"
#include "tests/unit/register/fake_policies.h"
#include "tests/unit/register/fake_things.h"
#endif
