#include "service/jobs/verdict_words.h"

static const struct verdict_words table[VERDICT_CODES] = {
    [VERDICT_WORKS] = {"works", SIDE_NONE, false, "the board did all that was asked", ""},

    [VERDICT_WIFI_NOT_FOUND] = {"wifi_not_found", SIDE_WIFI, false,
                                "the board finds no access point \"{ssid}\"",
                                "Check the name (it is case-sensitive), that the access point is "
                                "on 2.4 GHz and in reach, and that it {security}."},
    [VERDICT_WIFI_WRONG_PASSWORD] = {"wifi_wrong_password", SIDE_WIFI, false,
                                     "the access point \"{ssid}\" refuses the password",
                                     "Correct the password (it is case-sensitive){none_given}."},
    [VERDICT_WIFI_TIMEOUT] = {"wifi_timeout", SIDE_WIFI, false,
                              "the access point \"{ssid}\" did not answer the board in time",
                              "Move the board closer, and check the power supply and the antenna."},
    [VERDICT_WIFI_FAILED] = {"wifi_failed", SIDE_WIFI, false, "the board could not join \"{ssid}\"",
                             "Check the password and the security mode of the access point (WPA2 "
                             "works everywhere)."},
    [VERDICT_WIFI_NO_ADDRESS] = {"wifi_no_address", SIDE_WIFI, false,
                                 "the board has joined \"{ssid}\" and got no IP address",
                                 "Check that the access point or its network gives out addresses "
                                 "(DHCP)."},
    [VERDICT_WIFI_LOST] = {"wifi_lost", SIDE_WIFI, false,
                           "the board lost the access point \"{ssid}\" during the check",
                           "Move the board closer, and check its power supply: a weak one shows "
                           "when the radio sends."},
    [VERDICT_WIFI_STORED] =
        {"wifi_stored", SIDE_WIFI, false,
         "the firmware on the board has no AT+SYSSTORE, so it stored \"{ssid}\" "
         "in place of the network that it knew; it is made to forget it at the "
         "end",
         "Give the board its own network again, or a firmware of v2.1 or later."},

    [VERDICT_TIME_NOT_SYNCED] = {"time_not_synced", SIDE_CLOCK, false,
                                 "the board did not get the time from {server}, and without it no "
                                 "certificate is valid to it",
                                 "Check that the board's network reaches the time server (UDP port "
                                 "123), or name another server in \"time\"."},
    [VERDICT_TIME_SERVER_UNKNOWN] = {"time_server_unknown", SIDE_CLOCK, false,
                                     "the board's network does not know the time server {server}",
                                     "Correct \"time\".\"server\", or give its address; check the "
                                     "name server that the access point hands out."},
    [VERDICT_CLOCK_WRONG] = {"clock_wrong", SIDE_CLOCK, false,
                             "the board's clock is {ahead} that of this machine",
                             "Use a time server that tells the truth, and check this machine's "
                             "clock."},
    [VERDICT_CLOCK_LOST] = {"clock_lost", SIDE_CLOCK, false,
                            "the board had the time from {server} and has it no longer",
                            "The board has restarted: check its power supply."},

    [VERDICT_CREDENTIAL_MISSING] = {"credential_missing", SIDE_BOARD_CREDENTIAL, false,
                                    "the board has no {parts} for {target}",
                                    "Write the credential to the board."},
    [VERDICT_CREDENTIAL_DAMAGED] = {"credential_damaged", SIDE_BOARD_CREDENTIAL, false,
                                    "what the board has as {parts} for {target} is damaged",
                                    "Write the credential to the board again."},
    [VERDICT_CREDENTIAL_DIFFERS] = {"credential_differs", SIDE_BOARD_CREDENTIAL, false,
                                    "the board has another {parts} for {target} than that of the "
                                    "credential",
                                    "Write the credential to the board."},
    [VERDICT_CREDENTIAL_ELSEWHERE] = {"credential_elsewhere", SIDE_BOARD_CREDENTIAL, false,
                                      "the credential lies on the board as that for {elsewhere}, "
                                      "not as that for {target}",
                                      "Write it with \"target\":{\"kind\":\"{target}\"}."},
    [VERDICT_BOARD_KEY_MISMATCH] = {"board_key_mismatch", SIDE_BOARD_CREDENTIAL, false,
                                    "the private key on the board does not belong to the "
                                    "certificate on the board",
                                    "Write the credential to the board: certificate and key "
                                    "together."},
    [VERDICT_BOARD_ROOT_CA_WRONG] = {"board_root_ca_wrong", SIDE_BOARD_CREDENTIAL, false,
                                     "the root CA on the board does not verify the broker: "
                                     "{host_says}",
                                     "Write a credential with the root CA that signed the broker's "
                                     "certificate; for AWS IoT: Amazon Root CA 1. If the root is "
                                     "right, the broker does not send its intermediate CA."},

    [VERDICT_CERTIFICATE_EXPIRED] = {"certificate_expired", SIDE_CREDENTIAL, false,
                                     "the device's certificate has expired",
                                     "Make a new certificate, and write it to the board."},
    [VERDICT_CERTIFICATE_NOT_YET_VALID] = {"certificate_not_yet_valid", SIDE_CREDENTIAL, false,
                                           "the device's certificate is not valid yet",
                                           "Wait, or make a certificate that is valid now."},
    [VERDICT_CERTIFICATE_REFUSED] = {"certificate_refused", SIDE_CREDENTIAL, false,
                                     "the broker refuses the device's certificate",
                                     "Register this certificate with the broker and activate it "
                                     "there (AWS IoT: ACTIVE, in the account and region of this "
                                     "endpoint), or use one of a CA that the broker trusts."},
    [VERDICT_CERTIFICATE_UNKNOWN] = {"certificate_unknown", SIDE_CREDENTIAL, false,
                                     "the cloud does not know the device's certificate",
                                     "Register it there, in the account and region of this "
                                     "endpoint, or write the credential of a thing that is "
                                     "registered."},
    [VERDICT_CERTIFICATE_INACTIVE] = {"certificate_inactive", SIDE_CREDENTIAL, false,
                                      "the cloud has the device's certificate as {status}",
                                      "Activate it: AWS IoT UpdateCertificate, or the console. One "
                                      "that is revoked is of no use any more."},
    [VERDICT_KEY_MISMATCH] = {"key_mismatch", SIDE_CREDENTIAL, false,
                              "the private key does not belong to the certificate",
                              "Upload the key that this certificate was made for."},
    [VERDICT_KEY_TYPE_UNSUPPORTED] = {"key_type_unsupported", SIDE_CREDENTIAL, false,
                                      "the firmware on the board cannot use elliptic client keys "
                                      "(ESP-AT v3.0 to v3.2)",
                                      "Use an RSA-2048 key, or a firmware of v3.3 or later."},
    [VERDICT_CREDENTIAL_UNUSABLE] = {"credential_unusable", SIDE_CREDENTIAL, false, "{host_says}",
                                     "Upload a credential of PEM texts that OpenSSL can read."},
    [VERDICT_ROOT_CA_WRONG] = {"root_ca_wrong", SIDE_CREDENTIAL, false,
                               "the root CA of the credential does not verify the broker: "
                               "{host_says}",
                               "Use the root CA that signed the broker's certificate; for AWS IoT: "
                               "Amazon Root CA 1 or 3, and an endpoint with -ats. If the root is "
                               "right, the broker does not send its intermediate CA."},
    [VERDICT_ROOT_CA_EXPIRED] = {"root_ca_expired", SIDE_CREDENTIAL, false, "{host_says}",
                                 "Use a root CA that is valid now, and check this machine's "
                                 "clock."},

    [VERDICT_BROKER_CERTIFICATE_EXPIRED] = {"broker_certificate_expired", SIDE_BROKER_CERTIFICATE,
                                            false, "the broker's certificate has expired{colon}",
                                            "Renew the certificate of the broker; check this "
                                            "machine's clock and the board's."},
    [VERDICT_BROKER_CERTIFICATE_NOT_YET_VALID] =
        {"broker_certificate_not_yet_valid", SIDE_BROKER_CERTIFICATE, false,
         "the broker's certificate is not valid yet{colon}",
         "Give the broker a certificate that is valid now; check this machine's clock and the "
         "board's."},
    [VERDICT_BROKER_CERTIFICATE_UNTRUSTED] =
        {"broker_certificate_untrusted", SIDE_BROKER_CERTIFICATE, false,
         "the broker's certificate is signed by nobody but itself{colon}",
         "Give the broker a certificate of the CA in the credential, or upload a credential with "
         "the broker's own certificate as its root CA."},

    [VERDICT_BROKER_NAME_DIFFERS] =
        {"broker_name_differs", SIDE_BROKER_NAME, false,
         "the broker's certificate is not for the name {host}, which ESP-AT mostly does not check",
         "Use the name in the broker's certificate as the host, or \"sni\"; else any server of the "
         "same CA can take the broker's place."},
    [VERDICT_BROKER_NAME_REFUSED] = {"broker_name_refused", SIDE_BROKER_NAME, false,
                                     "the broker does not serve the name {host}",
                                     "Check host and \"sni\": AWS IoT wants the name of its "
                                     "endpoint."},

    [VERDICT_CONNECT_DENIED] = {"connect_denied", SIDE_POLICY, true,
                                "the broker takes the certificate and ends the connection at "
                                "CONNECT with client id \"{client_id}\"{https}",
                                "Attach a policy to the certificate that allows iot:Connect for "
                                "client/{client_id}, activate the certificate, or use the client "
                                "id that the policy allows."},
    [VERDICT_SUBSCRIBE_DENIED] = {"subscribe_denied", SIDE_POLICY, true,
                                  "the broker does not let the board subscribe to {topic}{https}",
                                  "Allow it: AWS IoT iot:Subscribe for topicfilter/{topic}; "
                                  "elsewhere the broker's access rules."},
    [VERDICT_PUBLISH_DENIED] = {"publish_denied", SIDE_POLICY, true,
                                "the broker does not let the board publish to {topic}{https}",
                                "Allow it: AWS IoT iot:Publish for topic/{topic}; elsewhere the "
                                "broker's access rules."},
    [VERDICT_NOT_DELIVERED] = {"not_delivered", SIDE_POLICY, true,
                               "the broker took the subscription and the message, and did not "
                               "deliver it to {topic}",
                               "Allow it: AWS IoT iot:Receive for topic/{topic}; other brokers "
                               "also say nothing when publishing or subscribing is not allowed."},

    [VERDICT_NO_POLICY_ATTACHED] = {"no_policy_attached", SIDE_POLICY, true,
                                    "no policy is attached to the device's certificate",
                                    "Attach one that allows iot:Connect for client/{client_id}, "
                                    "iot:Subscribe for topicfilter/{topic}, and iot:Publish and "
                                    "iot:Receive for topic/{topic}."},
    [VERDICT_THING_NOT_ATTACHED] = {"thing_not_attached", SIDE_POLICY, true,
                                    "the policy wants the name of the certificate's thing as "
                                    "client id, and the certificate is attached to {things}, not "
                                    "to {client_id}",
                                    "Attach the certificate to the thing {client_id} "
                                    "(AttachThingPrincipal), or use the name of its thing as "
                                    "client id."},
    [VERDICT_POLICY_DENIES_CONNECT] = {"policy_denies_connect", SIDE_POLICY, true,
                                       "the policy does not allow iot:Connect for "
                                       "client/{client_id}{allowed}",
                                       "Use the client id that the policy allows, or allow this "
                                       "one."},
    [VERDICT_POLICY_DENIES_SUBSCRIBE] = {"policy_denies_subscribe", SIDE_POLICY, true,
                                         "the policy does not allow iot:Subscribe for "
                                         "topicfilter/{topic}{allowed}",
                                         "Allow it, with topicfilter/ and not topic/, or use the "
                                         "topic that the policy allows."},
    [VERDICT_POLICY_DENIES_PUBLISH] = {"policy_denies_publish", SIDE_POLICY, true,
                                       "the policy does not allow iot:Publish for "
                                       "topic/{topic}{allowed}",
                                       "Allow it, or use the topic that the policy allows."},
    [VERDICT_POLICY_DENIES_RECEIVE] = {"policy_denies_receive", SIDE_POLICY, true,
                                       "the policy does not allow iot:Receive for "
                                       "topic/{topic}{allowed}",
                                       "Allow it: without it a subscription stays silent."},

    [VERDICT_CLIENT_ID_REJECTED] = {"client_id_rejected", SIDE_CLIENT_ID, true,
                                    "the broker rejects the client id \"{client_id}\"",
                                    "Use a client id that the broker takes."},
    [VERDICT_CLIENT_ID_IN_USE] = {"client_id_in_use", SIDE_CLIENT_ID, true,
                                  "another client uses the id \"{client_id}\": the broker ends the "
                                  "older of two connections",
                                  "Give each device a client id of its own, e.g. with {mac}, and "
                                  "switch the other one off."},

    [VERDICT_LOGIN_REFUSED] = {"login_refused", SIDE_LOGIN, true,
                               "the broker refuses the user name or the password",
                               "Correct \"username\" and \"password\" in \"mqtt\"."},
    [VERDICT_NOT_AUTHORIZED] = {"not_authorized", SIDE_LOGIN, true,
                                "the broker does not let this client in: not authorized",
                                "Check user name and password, and the broker's access rules for "
                                "client id \"{client_id}\"."},
    [VERDICT_CERTIFICATE_REQUIRED] = {"certificate_required", SIDE_LOGIN, false,
                                      "the broker wants a client certificate, and scheme {scheme} "
                                      "sends none",
                                      "Use scheme 5 (or 4), and write a credential to the board."},

    [VERDICT_HOST_UNKNOWN] = {"host_unknown", SIDE_NETWORK, false, "the name {host} is not known",
                              "Correct \"host\" in \"mqtt\"; check the name server that the access "
                              "point hands out."},
    [VERDICT_BOARD_DNS_FAILED] = {"board_dns_failed", SIDE_NETWORK, false,
                                  "the board's network does not know the name {host}, this "
                                  "machine's does",
                                  "Check the name server that the access point hands out."},
    [VERDICT_PORT_CLOSED] = {"port_closed", SIDE_NETWORK, false,
                             "{host} refuses connections to port {port}",
                             "No broker listens there, or a firewall refuses: check host and port, "
                             "and start the broker."},
    [VERDICT_BOARD_PORT_CLOSED] = {"board_port_closed", SIDE_NETWORK, false,
                                   "{host} refuses the board's connections to port {port}, and "
                                   "takes those of this machine",
                                   "A firewall between the access point and the broker refuses: "
                                   "open TCP port {port} there. Check also that the name leads to "
                                   "the same address{address}."},
    [VERDICT_NO_ANSWER] = {"no_answer", SIDE_NETWORK, false, "nobody answers at {host} port {port}",
                           "A firewall drops the packets, or the address is not in use: check host "
                           "and port, and that outgoing TCP {port} is open."},
    [VERDICT_BOARD_NO_ANSWER] = {"board_no_answer", SIDE_NETWORK, false,
                                 "{host} port {port} does not answer the board, and answers this "
                                 "machine",
                                 "The access point's network has no way there: open outgoing TCP "
                                 "{port}, switch client isolation off. Check also that the name "
                                 "leads to the same address{address}."},
    [VERDICT_HOST_CANNOT_REACH] = {"host_cannot_reach", SIDE_NETWORK, false,
                                   "this machine does not reach the broker that the board "
                                   "reaches: {host_says}",
                                   "Nothing, if this machine is not meant to; else its network or "
                                   "firewall."},

    [VERDICT_BROKER_NOT_TLS] = {"broker_not_tls", SIDE_BROKER, false,
                                "what listens at {host} port {port} does not speak TLS",
                                "Use the broker's TLS port (mostly 8883), or scheme 1 for a plain "
                                "one."},
    [VERDICT_BROKER_NEEDS_TLS] = {"broker_needs_tls", SIDE_BROKER, true,
                                  "what listens at {host} port {port} speaks TLS, and scheme 1 is "
                                  "plain",
                                  "Use scheme 5, or the broker's plain port (mostly 1883)."},
    [VERDICT_BROKER_TLS_VERSION] = {"broker_tls_version", SIDE_BROKER, false,
                                    "the broker does not speak TLS 1.2, the newest that ESP-AT has",
                                    "Allow TLS 1.2 at the broker."},
    [VERDICT_BROKER_TLS_REFUSED] = {"broker_tls_refused", SIDE_BROKER, false,
                                    "the broker ends the TLS handshake: {host_says}",
                                    "Compare the broker's ciphers and curves with those of "
                                    "ESP-AT; its log may tell more."},
    [VERDICT_BROKER_ALPN] = {"broker_alpn", SIDE_BROKER, false,
                             "the broker wants another ALPN name",
                             "AWS IoT on port 443 wants \"alpn\":\"x-amzn-mqtt-ca\"."},
    [VERDICT_BROKER_SILENT] = {"broker_silent", SIDE_BROKER, false,
                               "what listens at {host} port {port} takes the connection and stays "
                               "silent",
                               "Check that an MQTT broker listens there, and that scheme {scheme} "
                               "fits the port: TLS or plain."},
    [VERDICT_BROKER_NOT_MQTT] = {"broker_not_mqtt", SIDE_BROKER, true,
                                 "what listens at {host} port {port} does not speak MQTT",
                                 "Check host and port."},
    [VERDICT_BROKER_HANGS_UP] = {"broker_hangs_up", SIDE_BROKER, true,
                                 "what listens at {host} port {port} ends the connection at "
                                 "CONNECT without an answer",
                                 "Check host and port: is it an MQTT broker? If so, its log tells "
                                 "why it ends this: user name, client id \"{client_id}\", or TLS "
                                 "that it wants."},
    [VERDICT_BROKER_MQTT_VERSION] = {"broker_mqtt_version", SIDE_BROKER, true,
                                     "the broker does not take MQTT 3.1.1",
                                     "Allow MQTT 3.1.1 at the broker."},
    [VERDICT_BROKER_UNAVAILABLE] = {"broker_unavailable", SIDE_BROKER, true,
                                    "the broker says that it is not available",
                                    "Try again later; look into the broker's log."},

    [VERDICT_UNEXPLAINED] =
        {"unexplained", SIDE_UNKNOWN, false,
         "the board {gave_up} without a reason, and nothing that could be "
         "looked at is wrong{host_fine}",
         "Try again. If it stays so: {ask_host}the broker's log, the board's log "
         "on its other UART, its power supply."},
};

static const char *const sides[SIDE_COUNT] = {
    [SIDE_NONE] = "none",
    [SIDE_WIFI] = "wifi",
    [SIDE_CLOCK] = "clock",
    [SIDE_BOARD_CREDENTIAL] = "board_credential",
    [SIDE_CREDENTIAL] = "credential",
    [SIDE_BROKER_CERTIFICATE] = "broker_certificate",
    [SIDE_BROKER_NAME] = "broker_name",
    [SIDE_POLICY] = "policy",
    [SIDE_CLIENT_ID] = "client_id",
    [SIDE_LOGIN] = "login",
    [SIDE_NETWORK] = "network",
    [SIDE_BROKER] = "broker",
    [SIDE_UNKNOWN] = "unknown",
};

const struct verdict_words *verdict_words(enum verdict_code code)
{
    return &table[(unsigned)code < VERDICT_CODES ? code : VERDICT_UNEXPLAINED];
}

enum verdict_side verdict_side(enum verdict_code code)
{
    return verdict_words(code)->side;
}

const char *verdict_side_name(enum verdict_side s)
{
    return (unsigned)s < SIDE_COUNT ? sides[s] : "?";
}

const char *verdict_code_name(enum verdict_code code)
{
    return verdict_words(code)->name;
}
