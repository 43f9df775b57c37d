class DeviceRows:
    pass
