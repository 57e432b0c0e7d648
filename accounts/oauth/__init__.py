"""OAuth 2 as the API contract's section 4 has it: who asks for what, codes, where browsers are sent back to.

    authorize.py     a client asks a person: read and checked, allowed, denied
    codes.py         the code a browser carries back, and its exchange for a token
    redirects.py     redirect URIs: which are safe, which match, what is appended
    scopes.py        reading `scope`
    queries.py       reads: applications of a developer, applications a person let in
    applications.py  the verbs of a developer: register, change, new secret, delete

Tokens themselves are accounts/tokens.py, clients as requests need them accounts/clients.py.
"""
