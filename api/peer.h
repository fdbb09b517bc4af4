/* peer: who is at the other end of a connection. */
#ifndef API_PEER_H
#define API_PEER_H

struct peer {
    char address[48]; /* numeric; "local" for a socket that has none */
    /* of the certificate that he has shown and that was found good; "" = none */
    char certificate_sha256[65]; /* of its DER, hexadecimal */
    char common_name[65];        /* printable */
};
#endif
