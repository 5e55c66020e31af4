def install_after_migrate(**_):
    pass
