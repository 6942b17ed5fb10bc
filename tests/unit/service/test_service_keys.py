"""Keys that a centre makes on its first start."""

import threading

from perisai.service.keys import SigningSettings, cap_signer, vapid_key


def test_roles_that_start_together_have_the_same_keys(tmp_path):
    """Each role of a centre finds no key on the first start: one makes it, the others wait and read it."""
    together, made, faults = threading.Barrier(8), [], []

    def start() -> None:
        together.wait()
        try:
            signer = cap_signer(SigningSettings(), tmp_path, "centre.example")
            made.append((vapid_key("", tmp_path), signer is not None))
        except Exception as error:
            faults.append(error)

    starts = [threading.Thread(target=start) for _ in range(8)]
    for one in starts:
        one.start()
    for one in starts:
        one.join()
    assert faults == []
    assert set(made) == {(vapid_key("", tmp_path), True)}
    assert len(made) == 8
