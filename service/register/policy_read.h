/* policy_read: what documents of policies allow, as far as that can be read from them: to tell
 * somebody what would be allowed instead, and to hear whether AWS's own answer can be trusted. Not
 * a judge: conditions are not weighed, and what is denied is not looked for. Pure. */
#ifndef SERVICE_REGISTER_POLICY_READ_H
#define SERVICE_REGISTER_POLICY_READ_H

#include <stdbool.h>
#include <stddef.h>

/** Does it ask for the name of the thing that the certificate is attached to? */
bool policy_needs_thing(const char *document);
/** Does a statement allow @p action ("iot:Connect") for @p resource (an ARN)?
 *  @param thing  what stands for the thing's name; NULL = it has none */
bool policy_allows(const char *document, const char *action, const char *resource,
                   const char *thing);
/** Add what is allowed to @p out, without the front of the ARN: "client/a, client/b*". What does
 * not fit is left out. */
void policy_add_allowed(const char *document, const char *action, char *out, size_t cap);
#endif
