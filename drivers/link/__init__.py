"""The Arch-Stats link: drivers ``bow.link`` and ``target.link``, their sans-IO session, and the codec.

The drivers are loaded by the registry, so this package imports none of them.
"""
