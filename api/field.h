/* field: HTTP field values and percent-encoding, read. Pure: text in, values out. */
#ifndef API_FIELD_H
#define API_FIELD_H

#include <stdbool.h>
#include <stddef.h>

/** Undo %XX. Only printable ASCII may come out: a NUL or a control byte that was hidden in a path
 * is refused, not cut off.
 *  @return false when an escape is broken, a byte is not allowed or @p cap is too small */
bool field_percent_decode(const char *in, size_t n, char *out, size_t cap);
/** The same for words of any language: bytes beyond ASCII come out, too; that they are UTF-8 is not
 * looked at. */
bool field_percent_decode_text(const char *in, size_t n, char *out, size_t cap);

/** The path of a request target: the target itself, or what stands behind the authority when a
 * client sends the whole address, as it does to a proxy (RFC 9112 3.2.2). Borrowed. */
const char *field_target_path(const char *target);

/** Append @p in with all but unreserved characters escaped. @return false when it does not fit */
bool field_percent_encode(const char *in, char *out, size_t cap);

/** Does Content-Type @p value name the media type @p type? Parameters and case do not matter. NULL
 * counts as none. */
bool field_media_is(const char *value, const char *type);

enum { FIELD_BOUNDARY_MAX = 70 }; /* RFC 2046 5.1.1 */

/** The boundary of a multipart Content-Type. @return false when there is no legal one */
bool field_boundary(const char *value, char out[FIELD_BOUNDARY_MAX + 1]);

/** Is it a token (RFC 9110 5.6.2), as the name of a field must be? */
bool field_is_token(const char *s);

/** A decimal number, digits only. @return false when it is not one or is over @p max */
bool field_number(const char *s, long max, long *out);

/** `Prefer: …, wait=N, …` (RFC 7240). @return N, capped at @p max; 0 when there is no such wish */
long field_prefer_wait(const char *value, long max);

/** Is @p etag (with its quotes) in the list of If-Match or If-None-Match? @param weak  W/ entries
 * count too */
bool field_etag_listed(const char *value, const char *etag, bool weak);

/** Does `Accept`, or `Accept-Encoding`, @p value like @p a better than @p b? NULL: no. */
bool field_accept_prefers(const char *value, const char *a, const char *b);

/** What frames a request's body. Two readers that see different frames see different requests
 * (request smuggling), and MHD 0.9.75 lets most of it pass: see platform facts in the README. */
struct framing {
    unsigned lengths;     /* Content-Length fields */
    const char *length;   /* value of the first */
    unsigned encodings;   /* Transfer-Encoding fields */
    const char *encoding; /* value of the first */
    unsigned hosts;       /* Host fields */
};
enum framing_verdict { FRAMING_OK, FRAMING_BAD, FRAMING_UNKNOWN_ENCODING };

/** @param[out] has_body_out  a body is announced
 *  @param[out] length_out    its length, -1 when it comes in chunks */
enum framing_verdict framing_judge(const struct framing *f, bool *has_body_out, long *length_out);
#endif
