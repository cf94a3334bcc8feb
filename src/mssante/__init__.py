"""mssante: the French secure health e-mail system (MSSanté) as one program."""
