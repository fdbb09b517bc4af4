/* wanted: is what a registration is to be made with known here? */
#ifndef SERVICE_REGISTER_WANTED_H
#define SERVICE_REGISTER_WANTED_H

#include "service/register/spec.h"
#include "service/store/store.h"

/** Whose certificate is it to be: one that is brought, or one that is made?
 *  @param credential  that comes with the order; "" = none @param errors  a fault is added */
void wanted_credential(const struct register_spec *spec, const char *credential,
                       struct field_errors *errors);
/** @return ERR_OK; ERR_NOT_FOUND with code cloud_not_found, authority_not_found or
 * credential_not_found */
enum err wanted_is_here(struct store *s, const struct register_spec *spec);
#endif
