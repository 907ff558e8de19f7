"""Identity owns who people and programs are: names, passwords, tokens and what these may be used for.

Invariants: no password and no token is kept, only hashes; whoever guesses passwords is slowed down, and learns nothing
about who exists; personal data is here and nowhere else. Customers are actors above zero, operators and services below.

    await identity.create_login(pool, customer_id=7, username="ada", password="…", now_us=now_us)
    customer_id = await identity.verify_password(pool, username="ada", password="…", now_us=now_us)
    issued = await identity.issue_token(pool, actor=customer_id, scopes=("customer",), name="phone", now_us=now_us)
    token = await identity.resolve_token(pool, issued.secret)
"""

from overround.identity.appkeys import app_keys_of, make_app_keys, resolve_app_key
from overround.identity.logins import change_password, create_login, customer_of, delete_login, verify_password
from overround.identity.migrate import migrate
from overround.identity.passwords import DEFAULT_COST, Cost
from overround.identity.tokens import (
    extend_token,
    hash_of,
    issue_token,
    list_operators_tokens,
    list_tokens,
    new_operator,
    resolve_hash,
    resolve_token,
    revoke_token,
)
from overround.identity.types import OPERATOR_ACTOR, AppKey, AppKeys, IdentityRefused, Issued, Refusal, Scope, Token

__all__ = [
    "DEFAULT_COST",
    "OPERATOR_ACTOR",
    "AppKey",
    "AppKeys",
    "Cost",
    "IdentityRefused",
    "Issued",
    "Refusal",
    "Scope",
    "Token",
    "app_keys_of",
    "change_password",
    "create_login",
    "customer_of",
    "delete_login",
    "extend_token",
    "hash_of",
    "issue_token",
    "list_operators_tokens",
    "list_tokens",
    "make_app_keys",
    "migrate",
    "new_operator",
    "resolve_app_key",
    "resolve_hash",
    "resolve_token",
    "revoke_token",
    "verify_password",
]
