/* cloud_test: does a cloud work as it was set up, and may its keys do what registering takes? Asks
 * for things that cannot be there, and gives orders that cannot be carried out: what is refused for
 * that reason would have been allowed. Nothing is ever made. */
#ifndef SERVICE_REGISTER_CLOUD_TEST_H
#define SERVICE_REGISTER_CLOUD_TEST_H

#include <jansson.h>

#include "service/base/cancel.h"
#include "service/base/deadline.h"
#include "service/register/accounts.h"

/** {"ok","account","arn","endpoint","checks":[{"name","verdict","code","detail","said","hint"}]},
 * in the order in which one builds upon the other; behind one that fails, those that need it are
 * left out.
 *  @param[out] out  new reference
 *  @return ERR_OK, also where nothing works; ERR_NOT_FOUND with code cloud_not_found;
 * ERR_CANCELLED; ERR_MEM, ERR_IO */
enum err cloud_test(struct accounts *a, const char *cloud, struct cancel *cancel,
                    struct deadline until, json_t **out);
#endif
